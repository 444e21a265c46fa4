"""Problems of second factors."""

from madang.kit.problems import Conflict, Invalid, NotFound, Text


class TotpAlreadyOn(Conflict):
    code = "totp-already-on"
    title = Text("An authenticator app is set up already", "인증 앱이 이미 설정되어 있습니다")
    detail = Text("Remove it first, then set up another one.", "먼저 해제한 뒤 다시 설정하세요.")


class NoSuchFactor(NotFound):
    code = "factor-not-found"
    title = Text("No such second factor", "그런 2단계 인증이 없습니다")
    detail = Text("Set up an authenticator app first.", "먼저 인증 앱을 설정하세요.")


class WrongCode(Invalid):
    pointer = "/code"
    code = "wrong-factor-code"
    title = Text("The code is wrong", "코드가 맞지 않습니다")
    detail = Text(
        "Type the code that the app shows now, and check that the device's clock is right.",
        "앱에 지금 표시된 코드를 입력하고 기기의 시계가 맞는지 확인하세요.",
    )
