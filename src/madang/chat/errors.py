"""Problems of chat, and the reasons for which a run can fail."""

from madang.kit.problems import Conflict, Invalid, NotFound, Problem, Text, TooMany, Unavailable


class ConversationNotFound(NotFound):
    code = "conversation-not-found"
    title = Text("No such conversation", "그런 대화가 없습니다")
    detail = Text("You have no conversation with this id.", "이 번호의 대화가 없습니다.")


class RunNotFound(NotFound):
    code = "run-not-found"
    title = Text("No such run", "그런 실행이 없습니다")
    detail = Text("You have no run with this id.", "이 번호의 실행이 없습니다.")


class MessageNotFound(NotFound):
    code = "message-not-found"
    title = Text("No such message", "그런 메시지가 없습니다")
    detail = Text("You have no message with this id.", "이 번호의 메시지가 없습니다.")


class ParentNotFound(Invalid):
    pointer = "/parent_id"
    code = "parent-not-found"
    title = Text("The parent message is not in this conversation", "이 대화에 없는 상위 메시지입니다")
    detail = Text(
        "parent_id must name a message of the same conversation.",
        "parent_id는 같은 대화에 있는 메시지의 번호여야 합니다.",
    )


class AnswerRunning(Conflict):
    code = "answer-running"
    title = Text("An answer is still being written", "아직 응답을 작성하고 있습니다")
    detail = Text(
        "Wait until run {run_id} ends, or cancel it, before you continue from there.",
        "실행 {run_id}이(가) 끝날 때까지 기다리거나 취소한 뒤 이어서 보내세요.",
    )


class UnknownModel(Invalid):
    pointer = "/model"
    code = "unknown-model"
    title = Text("Unknown model", "알 수 없는 모델입니다")
    detail = Text("There is no model {model}. Known models: {known}.", "{model} 모델이 없습니다. 사용 가능: {known}.")


class NoModelNamed(Invalid):
    pointer = "/model"
    code = "no-model-named"
    title = Text("Name a model", "모델을 지정하세요")
    detail = Text(
        "The model server lists no models and none is configured in MADANG_LLM_MODEL; name one in the request.",
        "모델 서버가 목록을 주지 않고 MADANG_LLM_MODEL도 없습니다. 요청에 모델을 지정하세요.",
    )


class ChatSwitchedOff(Unavailable):
    code = "chat-switched-off"
    title = Text("Chat is switched off", "채팅이 꺼져 있습니다")
    detail = Text("This installation has no language model.", "이 서버에는 언어 모델이 없습니다.")


class AnswerInterrupted(Problem):
    status = 503
    code = "answer-interrupted"
    title = Text("The answer was interrupted", "응답이 중단되었습니다")
    detail = Text(
        "The server that wrote it stopped; what it had said is kept.",
        "응답을 작성하던 서버가 멈추었습니다. 그때까지의 내용은 보존됩니다.",
    )


class AnswerFailed(Problem):
    code = "answer-failed"
    title = Text("The answer failed", "응답에 실패했습니다")
    detail = Text("An error on our side ended the answer; it is logged.", "서버 오류로 응답이 끝났으며 기록되었습니다.")


class QuotaExceeded(TooMany):
    """`told`: the headers that an answer would have had."""

    code = "quota-exceeded"
    title = Text("Your quota is used up", "사용 한도에 도달했습니다")
    detail = Text(
        "Your {limit} {unit} of this {period} are used up. You can go on from {until}.",
        "이 기간({period})의 한도 {limit} {unit}을(를) 모두 사용했습니다. {until}부터 다시 사용할 수 있습니다.",
    )

    def __init__(self, *, told: dict[str, str], retry_after: float, **values: object) -> None:
        super().__init__(retry_after=retry_after, **values)
        self._told = told

    @property
    def headers(self) -> dict[str, str]:
        return super().headers | self._told


class QuotaNotFound(NotFound):
    code = "quota-not-found"
    title = Text("No such quota", "그런 사용 한도가 없습니다")
    detail = Text("There is no quota with this id.", "이 번호의 사용 한도가 없습니다.")


class PeriodTooLong(Invalid):
    pointer = "/from"
    code = "period-too-long"
    title = Text("From when to when?", "기간이 올바르지 않습니다")
    detail = Text(
        "`from` must be at most {days} days before `to`, and not after it.",
        "`from`은 `to`보다 늦지 않고 {days}일 이내여야 합니다.",
    )


class NoSuchModel(NotFound):
    code = "model-not-found"
    title = Text("No such model", "그런 모델이 없습니다")
    detail = Text(
        "There is no model {model} for you; GET /v1/models lists yours.", "{model} 모델을 사용할 수 없습니다."
    )


class NotShared(NotFound):
    code = "not-shared"
    title = Text("This is not shared", "공유되지 않은 대화입니다")
    detail = Text("There is no such link, or it was taken back.", "이런 링크가 없거나 공유가 해제되었습니다.")


class PresetNotFound(NotFound):
    code = "preset-not-found"
    title = Text("No such preset", "그런 프리셋이 없습니다")
    detail = Text("You have no preset with this id.", "이 번호의 프리셋이 없습니다.")


class PresetNameTaken(Conflict):
    code = "preset-name-taken"
    title = Text("You have a preset of this name", "같은 이름의 프리셋이 있습니다")
    detail = Text("There is a preset called {name} already.", "{name} 프리셋이 이미 있습니다.")


class TooManyPresets(Conflict):
    code = "too-many-presets"
    title = Text("Too many presets", "프리셋이 너무 많습니다")
    detail = Text("At most {limit} can be kept; remove one first.", "최대 {limit}개까지 저장할 수 있습니다.")
