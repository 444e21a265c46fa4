"""Problems of second factors and passkeys."""

from madang.kit.problems import Conflict, Invalid, NotFound, Problem, Text


class TotpAlreadyOn(Conflict):
    code = "totp-already-on"
    title = Text("An authenticator app is set up already", "인증 앱이 이미 설정되어 있습니다")
    detail = Text("Remove it first, then set up another one.", "먼저 해제한 뒤 다시 설정하세요.")


class NoSuchFactor(NotFound):
    code = "factor-not-found"
    title = Text("No such second factor", "그런 2단계 인증이 없습니다")
    detail = Text("Set up an authenticator app or a passkey first.", "먼저 인증 앱이나 패스키를 설정하세요.")


class WrongCode(Invalid):
    pointer = "/code"
    code = "wrong-factor-code"
    title = Text("The code is wrong", "코드가 맞지 않습니다")
    detail = Text(
        "Type the code that the app shows now, and check that the device's clock is right.",
        "앱에 지금 표시된 코드를 입력하고 기기의 시계가 맞는지 확인하세요.",
    )


class UnreadablePasskey(Invalid):
    pointer = "/credential"
    code = "passkey-unreadable"
    title = Text("This is no passkey's answer", "패스키의 응답이 아닙니다")
    detail = Text(
        "Send what navigator.credentials gave, as its toJSON() writes it.",
        "navigator.credentials가 준 값을 toJSON() 형식 그대로 보내세요.",
    )


class WrongPasskeyOrigin(Problem):
    status = 400
    code = "passkey-wrong-origin"
    title = Text("The passkey was used on another page", "다른 페이지에서 사용된 패스키입니다")
    detail = Text(
        "This server takes passkeys from the pages of {origins}; see MADANG_PUBLIC_URL.",
        "이 서버는 {origins}의 페이지에서 사용한 패스키만 받습니다. MADANG_PUBLIC_URL을 확인하세요.",
    )


class WrongPasskeySite(Problem):
    status = 400
    code = "passkey-wrong-site"
    title = Text("The passkey is for another site", "다른 사이트의 패스키입니다")
    detail = Text("This server's passkeys are for {site}.", "이 서버의 패스키는 {site}용입니다.")


class PasskeyChallengeUsed(Problem):
    status = 400
    code = "passkey-challenge-used"
    title = Text("This took too long, or was sent before", "시간이 지났거나 이미 보낸 응답입니다")
    detail = Text(
        "Ask for new options and use the passkey again, within five minutes.",
        "새 옵션을 요청한 뒤 5분 안에 패스키를 다시 사용하세요.",
    )


class PersonNotVerified(Problem):
    status = 400
    code = "passkey-person-not-verified"
    title = Text("The passkey did not check who you are", "패스키가 본인 확인을 하지 않았습니다")
    detail = Text(
        "Unlock it with a PIN, a finger or your face; set one of them up on it if there is none.",
        "PIN, 지문 또는 얼굴로 잠금을 해제하세요. 없다면 먼저 설정하세요.",
    )


class PasskeyRefused(Problem):
    """Said alike of passkeys that nobody has, of wrong signatures and of accounts that are closed."""

    status = 400
    code = "passkey-refused"
    title = Text("This passkey does not work here", "사용할 수 없는 패스키입니다")
    detail = Text(
        "It is not known, or its answer is not right. Use another passkey or your password.",
        "등록되지 않았거나 응답이 올바르지 않습니다. 다른 패스키나 비밀번호를 사용하세요.",
    )


class PasskeyCounterBehind(Problem):
    status = 400
    code = "passkey-counter-behind"
    title = Text("This passkey may have been copied", "복제되었을 수 있는 패스키입니다")
    detail = Text(
        "Its counter did not go up since the last time, so it was refused and the owner is told. Sign in another way, "
        "and replace the passkey.",
        "지난번보다 카운터가 늘지 않아 거부하고 소유자에게 알렸습니다. 다른 방법으로 로그인한 뒤 패스키를 교체하세요.",
    )


class PasskeyAlreadyAdded(Conflict):
    code = "passkey-already-added"
    title = Text("This passkey was added already", "이미 등록된 패스키입니다")
    detail = Text("Each passkey belongs to one account, once.", "패스키는 한 계정에 한 번만 등록할 수 있습니다.")


class TooManyPasskeys(Conflict):
    code = "too-many-passkeys"
    title = Text("There are too many passkeys", "패스키가 너무 많습니다")
    detail = Text(
        "An account has at most {most}; remove one that is not used.",
        "계정당 {most}개까지 등록할 수 있습니다. 쓰지 않는 것을 삭제하세요.",
    )


class NoSuchPasskey(NotFound):
    code = "passkey-not-found"
    title = Text("No such passkey", "그런 패스키가 없습니다")
    detail = Text("You have no passkey with this id.", "이 번호의 패스키가 없습니다.")
