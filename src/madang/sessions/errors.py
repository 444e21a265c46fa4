"""Problems of sessions and tokens."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from madang.kit.problems import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OAuthError,
    Problem,
    Text,
    TooMany,
    Unauthenticated,
    Unavailable,
)

SIGN_IN_FAILED = "sessions.sign_in_failed"


class InvalidAccessToken(Unauthenticated):
    code = "invalid-access-token"
    title = Text("The access token is not valid", "액세스 토큰이 유효하지 않습니다")
    detail = Text(
        "It is malformed, expired, or its session has ended. Refresh it or sign in again.",
        "형식이 잘못되었거나 만료되었거나 세션이 끝났습니다. 갱신하거나 다시 로그인하세요.",
    )


class NoSuchSigningKey(NotFound):
    code = "signing-key-not-found"
    title = Text("No such signing key", "그런 서명 키가 없습니다")
    detail = Text(
        "There is no key {key_id}; `madang keys list` shows them.",
        "{key_id} 키가 없습니다. `madang keys list`로 확인하세요.",
    )


class WrongCredentials(OAuthError):
    audited = SIGN_IN_FAILED
    error: ClassVar[str] = "invalid_grant"
    code = "wrong-credentials"
    title = Text("Wrong account or password", "아이디 또는 비밀번호가 맞지 않습니다")
    detail = Text("The account or the password is wrong.", "아이디 또는 비밀번호가 맞지 않습니다.")


class IncorrectPassword(Problem):
    """Somebody who is signed in proves it again, and fails; counted like a failed sign-in."""

    status = 400
    audited = SIGN_IN_FAILED
    code = "incorrect-password"
    title = Text("The password is not correct", "비밀번호가 맞지 않습니다")
    detail = Text("It is not the current password of this account.", "이 계정의 현재 비밀번호가 아닙니다.")


class PasswordUnchanged(Invalid):
    pointer = "/new_password"
    code = "password-unchanged"
    title = Text("This is the current password", "현재 비밀번호와 같습니다")
    detail = Text("Choose another password than the current one.", "현재와 다른 비밀번호를 선택하세요.")


class TooManySignIns(TooMany):
    """Said for known and unknown names alike, whether the password is right or not."""

    audited = SIGN_IN_FAILED
    code = "too-many-sign-ins"
    title = Text("Too many failed sign-ins", "로그인 실패가 너무 많습니다")
    detail = Text(
        "Try again in {seconds} s. A session that is open goes on, and resetting the password helps at once.",
        "{seconds}초 뒤에 다시 시도하세요. 열린 세션은 그대로이고, 비밀번호를 재설정하면 바로 로그인할 수 있습니다.",
    )

    @property
    def headers(self) -> dict[str, str]:
        name, amount, window, seconds = (self.values[key] for key in ("name", "amount", "window", "seconds"))
        policy = {"RateLimit-Policy": f'"{name}";q={amount};w={window}', "RateLimit": f'"{name}";r=0;t={seconds}'}
        return super().headers | policy


class MfaRequired(OAuthError):
    """The password was right and a second factor is on: our one addition to the errors of RFC 6749."""

    status = 403
    error: ClassVar[str] = "mfa_required"
    code = "mfa-required"
    title = Text("A second factor is needed", "2단계 인증이 필요합니다")
    detail = Text(
        "Send grant_type urn:madang:mfa with mfa_token and a code of the app, or a recovery code; or use a passkey.",
        "grant_type urn:madang:mfa 와 mfa_token, 인증 앱 코드 또는 복구 코드를 보내거나 패스키를 사용하세요.",
    )

    def __init__(self, mfa_token: str, methods: Sequence[str] = ()) -> None:
        """`methods`: what may complete the sign-in, of otp, passkey and recovery."""
        super().__init__()
        self._token = mfa_token
        self._methods = list(methods)

    @property
    def members(self) -> Mapping[str, Any]:
        return {"mfa_token": self._token, "methods": self._methods}


class MfaTokenInvalid(Problem):
    status = 400
    code = "mfa-token-invalid"
    title = Text("This sign-in can't be completed", "이 로그인을 마칠 수 없습니다")
    detail = Text(
        "It took too long, was completed already, or the password was changed; begin again.",
        "시간이 지났거나 이미 완료되었거나 비밀번호가 변경되었습니다. 다시 로그인하세요.",
    )


class WrongFactor(OAuthError):
    """Committed, because the try must stay counted."""

    audited = SIGN_IN_FAILED
    error: ClassVar[str] = "invalid_grant"
    commit = True
    code = "wrong-factor"
    title = Text("The second factor does not fit", "2단계 인증에 실패했습니다")
    detail = Text(
        "The code is wrong or was used before, or the sign-in took too long; try the next code, or begin again.",
        "코드가 틀렸거나 이미 사용되었거나 시간이 지났습니다. 다음 코드를 입력하거나 다시 로그인하세요.",
    )


class InvalidRefreshToken(OAuthError):
    error: ClassVar[str] = "invalid_grant"
    code = "invalid-refresh-token"
    title = Text("The refresh token is not valid", "리프레시 토큰이 유효하지 않습니다")
    detail = Text(
        "The refresh token is malformed, expired or its session has ended; sign in again.",
        "리프레시 토큰이 잘못되었거나 만료되었거나 세션이 끝났습니다. 다시 로그인하세요.",
    )


class RefreshTokenReused(OAuthError):
    """Committed, because the end of the family must stay although the request is refused."""

    error: ClassVar[str] = "invalid_grant"
    commit = True
    code = "refresh-token-reused"
    title = Text("The refresh token was used before", "이미 사용된 리프레시 토큰입니다")
    detail = Text(
        "This refresh token was replaced earlier, so its session was ended; sign in again.",
        "이미 교체된 토큰이므로 세션을 종료했습니다. 다시 로그인하세요.",
    )


class NoRefreshToken(OAuthError):
    error: ClassVar[str] = "invalid_request"
    code = "no-refresh-token"
    title = Text("No refresh token came", "리프레시 토큰이 없습니다")
    detail = Text(
        "Send the refresh token as cookie, form field or JSON member refresh_token.",
        "refresh_token을 쿠키, 폼 또는 JSON으로 보내세요.",
    )


class UnsupportedGrant(OAuthError):
    error: ClassVar[str] = "unsupported_grant_type"
    code = "unsupported-grant-type"
    title = Text("Unknown grant", "지원하지 않는 grant입니다")
    detail = Text(
        "grant_type is password, refresh_token or urn:madang:mfa.",
        "grant_type은 password, refresh_token, urn:madang:mfa 중 하나입니다.",
    )


class InvalidScope(OAuthError):
    error: ClassVar[str] = "invalid_scope"
    code = "invalid-scope"
    title = Text("Unknown scope", "알 수 없는 권한입니다")
    detail = Text("Known scopes: {known}.", "사용 가능한 권한: {known}.")


class UnknownScope(Invalid):
    pointer = "/scope"
    code = "unknown-scope"
    title = Text("Unknown scope", "알 수 없는 권한입니다")
    detail = Text("Known scopes: {known}.", "사용 가능한 권한: {known}.")


class WrongMailCode(Invalid):
    """Committed, because the try must stay counted."""

    commit = True
    pointer = "/code"
    code = "wrong-mail-code"
    title = Text("The code is wrong or too old", "코드가 맞지 않거나 만료되었습니다")
    detail = Text(
        "Use the newest mail: its code is good for 10 minutes, its link for an hour, and each works once.",
        "가장 최근 메일을 사용하세요. 코드는 10분, 링크는 1시간 동안 유효하고 한 번만 쓸 수 있습니다.",
    )


class NoEmail(Conflict):
    code = "no-email"
    title = Text("There is no address to verify", "확인할 이메일 주소가 없습니다")
    detail = Text("Send the address as `email`.", "`email`에 주소를 보내세요.")


class EmailAlreadyVerified(Conflict):
    code = "email-already-verified"
    title = Text("The address is verified already", "이미 확인된 주소입니다")
    detail = Text("Nothing needs to be done.", "더 할 일이 없습니다.")


class TooManyMails(TooMany):
    code = "too-many-mails"
    title = Text("Too many mails to this address", "이 주소로 보낸 메일이 너무 많습니다")
    detail = Text(
        "Look into the spam folder, or try again in a few minutes.", "스팸함을 확인하거나 몇 분 뒤에 다시 시도하세요."
    )


class MailSwitchedOff(Unavailable):
    code = "mail-switched-off"
    title = Text("This server sends no mail", "이 서버는 메일을 보내지 않습니다")
    detail = Text("Ask an administrator for help.", "관리자에게 문의하세요.")


class NoSuchSession(NotFound):
    code = "session-not-found"
    title = Text("No such session", "그런 세션이 없습니다")
    detail = Text("You have no live session with this id.", "이 번호의 살아 있는 세션이 없습니다.")


class SetupClosed(NotFound):
    code = "setup-closed"
    title = Text("Set-up is over", "초기 설정이 끝났습니다")
    detail = Text("An administrator exists already.", "이미 관리자가 있습니다.")


class WrongSetupCode(Forbidden):
    code = "wrong-setup-code"
    title = Text("The set-up code is wrong", "설정 코드가 맞지 않습니다")
    detail = Text("Use the code that the server prints when it starts.", "서버가 시작할 때 출력한 코드를 사용하세요.")
