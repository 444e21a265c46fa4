"""Problems of media."""

from madang.kit.problems import Conflict, Forbidden, Invalid, NotFound, Problem, Text


class MediaNotFound(NotFound):
    code = "media-not-found"
    title = Text("No such media", "그런 미디어가 없습니다")
    detail = Text("You have no media with this id.", "이 번호의 미디어가 없습니다.")


class MediaNotReady(Conflict):
    code = "media-not-ready"
    title = Text("The upload is not complete", "업로드가 끝나지 않았습니다")
    detail = Text("Upload every part, then complete it.", "모든 부분을 업로드한 뒤 완료하세요.")


class UploadTooLarge(Problem):
    status = 413
    code = "upload-too-large"
    title = Text("The file is too large", "파일이 너무 큽니다")
    detail = Text(
        "Files may have {limit} bytes at most; this one has {size}.",
        "파일은 최대 {limit}바이트입니다. 이 파일은 {size}바이트입니다.",
    )


class PartTooLarge(Problem):
    status = 413
    code = "part-too-large"
    title = Text("The body is larger than announced", "본문이 알린 크기보다 큽니다")
    detail = Text(
        "This link takes exactly {size} bytes; nothing was stored.",
        "이 링크는 정확히 {size}바이트만 받습니다. 저장된 것은 없습니다.",
    )


class UploadIncomplete(Invalid):
    code = "upload-incomplete"
    title = Text("The body is shorter than announced", "본문이 알린 크기보다 짧습니다")
    detail = Text(
        "This link takes exactly {size} bytes; nothing was stored. Send the part again.",
        "이 링크는 정확히 {size}바이트만 받습니다. 저장된 것이 없으니 다시 보내세요.",
    )


class UploadTypeMismatch(Problem):
    status = 415
    code = "upload-type-mismatch"
    title = Text("The type is not the one announced", "알린 형식과 다릅니다")
    detail = Text(
        "Send Content-Type: {expected}, as the upload's headers say.",
        "업로드 안내의 헤더대로 Content-Type: {expected}을(를) 보내세요.",
    )


class UploadClosed(Conflict):
    code = "upload-closed"
    title = Text("This upload is over", "이미 끝난 업로드입니다")
    detail = Text(
        "The file is complete, refused or deleted and takes no more parts.",
        "파일이 완료, 거부 또는 삭제되어 더 받을 수 없습니다.",
    )


class UploadLinkExpired(Forbidden):
    code = "upload-link-expired"
    title = Text("The upload link has expired", "업로드 링크가 만료되었습니다")
    detail = Text(
        "Ask for a new link with POST /api/v1/media/(id)/parts.", "POST /api/v1/media/(id)/parts로 새 링크를 받으세요."
    )


class UploadLinkInvalid(Forbidden):
    code = "upload-link-invalid"
    title = Text("The upload link is not valid", "업로드 링크가 올바르지 않습니다")
    detail = Text(
        "Use the link exactly as it was given, with its method.", "받은 링크를 그 메서드로 그대로 사용하세요."
    )


class DownloadLinkExpired(Forbidden):
    code = "download-link-expired"
    title = Text("The download link has expired", "다운로드 링크가 만료되었습니다")
    detail = Text(
        "Ask for a new link with GET /api/v1/media/(id)/download.",
        "GET /api/v1/media/(id)/download로 새 링크를 받으세요.",
    )


class DownloadLinkInvalid(Forbidden):
    code = "download-link-invalid"
    title = Text("The download link is not valid", "다운로드 링크가 올바르지 않습니다")
    detail = Text("Use the link exactly as it was given.", "받은 링크를 그대로 사용하세요.")


class RangeNotSatisfiable(Problem):
    """RFC 9110 §15.5.17; tells the length, so that the client can ask again."""

    status = 416
    code = "range-not-satisfiable"
    title = Text("The range is outside the file", "범위가 파일을 벗어났습니다")
    detail = Text("The file has {size} bytes.", "파일은 {size}바이트입니다.")

    @property
    def headers(self) -> dict[str, str]:
        return super().headers | {"Content-Range": f"bytes */{self.values['size']}"}


class NoSuchPart(Invalid):
    pointer = "/part_numbers"
    code = "no-such-part"
    title = Text("The upload has no such part", "그런 부분이 없습니다")
    detail = Text(
        "Parts are numbered 1 to {count}; {number} is none of them.",
        "부분 번호는 1부터 {count}까지입니다. {number}번은 없습니다.",
    )


class PartsMissing(Conflict):
    code = "parts-missing"
    title = Text("Some parts have not arrived", "도착하지 않은 부분이 있습니다")
    detail = Text(
        "{missing} of {count} parts are missing: {numbers}.", "{count}개 중 {missing}개 부분이 없습니다: {numbers}."
    )


class PartsMismatch(Conflict):
    code = "parts-mismatch"
    title = Text("The parts are not the ones that arrived", "도착한 부분과 다릅니다")
    detail = Text(
        "Part {number} is not listed as it arrived; see uploaded_parts.",
        "{number}번 부분이 도착한 것과 다릅니다. uploaded_parts를 확인하세요.",
    )


class NotMedia(Problem):
    status = 415
    code = "not-media"
    title = Text("This is neither audio nor video", "오디오나 비디오가 아닙니다")
    detail = Text(
        "Only audio and video files are taken; what counts is their content.",
        "오디오와 비디오 파일만 받으며 내용으로 판단합니다.",
    )


class ChecksumMismatch(Invalid):
    pointer = "/sha256"
    code = "checksum-mismatch"
    title = Text("The file is not the one announced", "알린 파일과 다릅니다")
    detail = Text(
        "The SHA-256 of what arrived differs from the one given; upload the file again.",
        "도착한 파일의 SHA-256이 알린 값과 다릅니다. 다시 업로드하세요.",
    )


class SizeMismatch(Invalid):
    pointer = "/size"
    code = "size-mismatch"
    title = Text("The file has another size than announced", "파일 크기가 알린 것과 다릅니다")
    detail = Text("Upload the file again and announce its exact size.", "정확한 크기를 알리고 다시 업로드하세요.")


REJECTIONS: dict[str, type[Problem]] = {kind.code: kind for kind in (NotMedia, ChecksumMismatch, SizeMismatch)}
"""Why a complete file is refused, by the reason kept in its row."""
