"""Who is calling: a bearer credential or the access cookie, resolved by whatever fills `Authenticator`."""

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from starlette.requests import HTTPConnection

from madang.http.cookies import access_cookie_name
from madang.kit.caller import Caller, SessionCaller
from madang.kit.origin import current_origin
from madang.kit.problems import Forbidden, Text, Unauthenticated


class NotSignedIn(Unauthenticated):
    error = None
    code = "not-signed-in"
    title = Text("Sign in first", "로그인이 필요합니다")
    detail = Text(
        "Send an access token as `Authorization: Bearer …`, or sign in for the cookie.",
        "`Authorization: Bearer …` 헤더로 액세스 토큰을 보내거나 로그인하세요.",
    )


class InsufficientScope(Forbidden):
    error = "insufficient_scope"
    code = "insufficient-scope"
    title = Text("The token does not reach this", "토큰의 권한이 부족합니다")
    detail = Text(
        "This call needs the scope {scope}. If your role was given it since you signed in, sign in again.",
        "이 호출에는 {scope} 권한이 필요합니다. 로그인한 뒤에 받은 권한이라면 다시 로그인하세요.",
    )


class ReauthenticationRequired(Unauthenticated):
    """RFC 9470: the sign-in is too old for what is asked; `max_age` says how old it may be, in seconds."""

    error = "insufficient_user_authentication"
    code = "reauthentication-required"
    title = Text("Confirm that it is you", "본인 확인이 필요합니다")
    detail = Text(
        "This needs a sign-in within the last {max_age} s: call verify_password, or sign in again.",
        "최근 {max_age}초 안의 로그인이 필요합니다. 비밀번호를 다시 확인하거나 다시 로그인하세요.",
    )


class SessionRequired(Forbidden):
    code = "session-required"
    title = Text("An API key does not reach this", "API 키로는 할 수 없습니다")
    detail = Text(
        "Only a person who signed in may do this: send an access token, or sign in for the cookie.",
        "로그인한 사람만 할 수 있습니다. 액세스 토큰을 보내거나 로그인하세요.",
    )


class NotWhileImpersonating(Forbidden):
    code = "not-while-impersonating"
    title = Text("Not for somebody else", "다른 사람을 대신해서는 할 수 없습니다")
    detail = Text(
        "Whoever acts for another account can't touch its credentials, sessions, exports or its existence.",
        "다른 계정을 대신하는 동안에는 인증 수단, 세션, 내보내기, 탈퇴를 다룰 수 없습니다.",
    )


class Authenticator(Protocol):
    """Knows one kind of credential; `sessions` and `apikeys` implement it and `app.py` hands them in."""

    def subject(self, token: str) -> str | None:
        """The account a token proves, as far as is known without any waiting; None when that is nothing."""

    async def authenticate(self, token: str) -> Caller:
        """The caller, read anew per request; raises `Unauthenticated`."""


class Authenticators:
    """Every kind of credential: those with a prefix of their own, and access tokens."""

    def __init__(self, access_tokens: Authenticator, by_prefix: Mapping[str, Authenticator]) -> None:
        self.access_tokens = access_tokens
        self._by_prefix = by_prefix

    def subject(self, token: str) -> str | None:
        return self._which(token).subject(token)

    async def authenticate(self, token: str) -> Caller:
        return await self._which(token).authenticate(token)

    def _which(self, token: str) -> Authenticator:
        return next((one for prefix, one in self._by_prefix.items() if token.startswith(prefix)), self.access_tokens)


def credential(request: HTTPConnection) -> str | None:
    """The presented token: the header wins over the cookie; query strings are never looked at (RFC 6750 §5.3)."""
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    return request.cookies.get(access_cookie_name(request.app.state.running.settings))


async def current_user(request: HTTPConnection) -> Caller:
    """The caller, found once per request however many dependencies ask."""
    known: Caller | None = request.scope.get("madang.caller")
    return known or await _authenticate(request)


async def _authenticate(request: HTTPConnection) -> Caller:
    token = credential(request)
    if token is None:
        raise NotSignedIn
    authenticator: Authenticators = request.app.state.running.authenticator
    caller = await authenticator.authenticate(token)
    acting = caller.actor_id if isinstance(caller, SessionCaller) else None
    current_origin().actor_id = acting or caller.id
    request.scope["madang.language"] = caller.person.language
    request.scope["madang.caller"] = caller
    return caller


async def session_user(request: HTTPConnection) -> SessionCaller:
    """The caller, if it is a person who signed in; raises `SessionRequired` for a program's key, and
    `NotWhileImpersonating` for somebody else who acts for the person."""
    caller = await current_user(request)
    if not isinstance(caller, SessionCaller):
        raise SessionRequired
    if caller.actor_id is not None:
        raise NotWhileImpersonating
    return caller


def ensure_fresh(request: HTTPConnection, caller: SessionCaller) -> None:
    """Raises `ReauthenticationRequired` when the sign-in is older than `MADANG_FRESH_TTL`."""
    app = request.app.state.running
    if app.clock() - caller.authenticated_at > app.settings.seconds("fresh_ttl"):
        raise ReauthenticationRequired(max_age=app.settings.fresh_ttl)


class _SignedIn(OAuth2PasswordBearer):
    """The caller as a dependency; being a security scheme, it also tells the API document who may call."""

    def __init__(self) -> None:
        super().__init__(tokenUrl="/api/v1/accounts/token", scheme_name="password", auto_error=False)

    async def __call__(self, request: HTTPConnection) -> Any:
        return await current_user(request)


class _Reaching(_SignedIn):
    """A caller whose credential reaches a scope (RFC 6750 `insufficient_scope`)."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self._scope = scope

    async def __call__(self, request: HTTPConnection) -> None:
        if self._scope not in (await current_user(request)).scopes:
            raise InsufficientScope(scope=self._scope)


class _SelfOr(_SignedIn):
    """The account that the path's `user_id` names, or whoever reaches a scope."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self._scope = scope

    async def __call__(self, request: HTTPConnection) -> Any:
        caller = await current_user(request)
        is_self = request.path_params.get("user_id") == str(caller.id)
        needed = "profile" if is_self and self._scope not in caller.scopes else self._scope
        if needed not in caller.scopes:
            raise InsufficientScope(scope=needed)
        return caller


class _InSession(_SignedIn):
    """A person who signed in: what an API key never reaches."""

    async def __call__(self, request: HTTPConnection) -> Any:
        return await session_user(request)


class _Fresh(_SignedIn):
    """A person who authenticated within `MADANG_FRESH_TTL` (RFC 9470)."""

    async def __call__(self, request: HTTPConnection) -> Any:
        caller = await session_user(request)
        ensure_fresh(request, caller)
        return caller


CurrentUser = Annotated[Caller, Depends(_SignedIn())]
SessionUser = Annotated[SessionCaller, Depends(_InSession())]
FreshUser = Annotated[SessionCaller, Depends(_Fresh())]
SelfOrAdmin = Annotated[Caller, Depends(_SelfOr("admin:users"))]


def requires(scope: str) -> Any:
    """A route dependency: the credential must reach `scope`."""
    return Depends(_Reaching(scope))
