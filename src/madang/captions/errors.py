"""Problems of captions."""

from madang.kit.problems import Conflict, Invalid, NotFound, Text, Unavailable


class CaptionNotFound(NotFound):
    code = "caption-not-found"
    title = Text("No such captions", "그런 자막이 없습니다")
    detail = Text("You have no caption job with this id.", "이 번호의 자막 작업이 없습니다.")


class CaptionNotReady(Conflict):
    code = "caption-not-ready"
    title = Text("There is no document yet", "아직 자막 문서가 없습니다")
    detail = Text(
        "The job is {state}; only a job that succeeded has a document. Follow its events, or retry it if it failed.",
        "작업 상태가 {state}입니다. 성공한 작업에만 문서가 있습니다. 진행 상황을 보거나 실패했다면 다시 시도하세요.",
    )


class CaptionNotEnded(Conflict):
    code = "caption-not-retryable"
    title = Text("Only a failed or cancelled job can be retried", "실패하거나 취소된 작업만 다시 시도할 수 있습니다")
    detail = Text(
        "The job is {state}. To caption the media again, request new captions.",
        "작업 상태가 {state}입니다. 다시 만들려면 새 자막을 요청하세요.",
    )


class CaptionEnded(Conflict):
    code = "caption-ended"
    title = Text("The job has ended already", "이미 끝난 작업입니다")
    detail = Text(
        "The job is {state}, so there is nothing to cancel.", "작업 상태가 {state}이므로 취소할 것이 없습니다."
    )


class CaptionsOff(Unavailable):
    code = "captions-off"
    title = Text("Captions are switched off", "자막 기능이 꺼져 있습니다")
    detail = Text(
        "This installation has no captioner; its operator can set MADANG_CAPTIONER_URL=local://.",
        "이 서버에는 자막 엔진이 없습니다. 운영자가 MADANG_CAPTIONER_URL=local://로 켤 수 있습니다.",
    )


class UnknownProfile(Invalid):
    pointer = "/profile"
    code = "unknown-profile"
    title = Text("There is no such caption profile", "그런 자막 프로필이 없습니다")
    detail = Text(
        "{profile} is not known. Choose one of: {known}.", "{profile}은(는) 없습니다. 다음 중에서 고르세요: {known}."
    )


class UnknownFormat(Invalid):
    pointer = "#query/format"
    code = "unknown-format"
    title = Text("There is no such caption format", "그런 자막 형식이 없습니다")
    detail = Text(
        "{format} can't be written. Choose one of: {known}.",
        "{format} 형식은 만들 수 없습니다. 다음 중에서 고르세요: {known}.",
    )
