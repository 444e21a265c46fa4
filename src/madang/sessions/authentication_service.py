"""Answers who is calling, by an access token."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from madang.db.session import Database
from madang.kit.access_token import AccessToken, AccessTokens
from madang.kit.caller import SessionCaller
from madang.kit.clock import Clock
from madang.kit.scopes import reach
from madang.sessions.errors import InvalidAccessToken
from madang.sessions.models import UserSession
from madang.sessions.repository import CallerRepository

# How a session was opened, as RFC 8176 names the methods.
_METHODS = {
    "otp": ("pwd", "otp", "mfa"),
    "recovery": ("pwd", "mfa"),
    "passkey": ("hwk", "user", "mfa"),
    "pwd+passkey": ("pwd", "hwk", "mfa"),
}
_SECONDS = {"otp": ("otp", "mfa"), "passkey": ("hwk", "mfa"), "recovery": ("mfa",), "mfa": ("mfa",)}


class AuthenticationService:
    """The application's `Authenticator`. Revocation holds from the next request on, since the row is read anew."""

    def __init__(
        self, database: Database, tokens: AccessTokens, clock: Clock, learn_keys: Callable[[], Awaitable[None]]
    ) -> None:
        """`learn_keys` is called for a token that names an unknown key."""
        self._callers = CallerRepository(database)
        self._tokens = tokens
        self._clock = clock
        self._learn_keys = learn_keys

    def subject(self, token: str) -> str | None:
        read = self._tokens.read(token)
        return read.subject if read and read.is_live(self._clock().timestamp()) else None

    def session_of(self, token: str) -> UUID | None:
        """The session that a token names, expired or not: signing out needs no live token."""
        read = self._tokens.read(token)
        return read.session_id if read else None

    async def authenticate(self, token: str) -> SessionCaller:
        """Raises `InvalidAccessToken`."""
        found = await self.find(token)
        if found is None:
            raise InvalidAccessToken
        read, row = found
        scopes = effective_scopes(read, row)
        return SessionCaller(row, scopes, read.session_id, row.authenticated_at, row.actor_id)

    async def find(self, token: str) -> tuple[AccessToken, Any] | None:
        """A token that is good now, and the row of its session and account; None otherwise."""
        read = self._tokens.read(token)
        if read is None and self._tokens.names_unknown_key(token):
            await self._learn_keys()
            read = self._tokens.read(token)
        now = self._clock()
        if read is None or not read.is_live(now.timestamp()):
            return None
        row = await self._callers.get(read.session_id)
        if row is None or not row.is_active or str(row.id) != read.subject:
            return None
        if row.ended_at is not None or min(row.expires_at, row.idle_expires_at) <= now:
            return None
        return read, row

    @property
    def issuer(self) -> str:
        return self._tokens.issuer

    def public_keys(self) -> list[dict[str, Any]]:
        """Every key that a live token may be signed with, as public JWK (RFC 7517)."""
        return self._tokens.public_keys()

    def issue(self, user_session: UserSession) -> tuple[str, int]:
        """An access token for a session, and its life in seconds."""
        return self._tokens.issue(
            subject=user_session.account_id,
            session_id=user_session.id,
            scopes=user_session.scope,
            authenticated_at=user_session.authenticated_at.timestamp(),
            methods=_methods(user_session.method),
            actor=user_session.actor_id,
        )


def effective_scopes(token: AccessToken, row: Any) -> frozenset[str]:
    """What token, session and role have in common; `row` is the caller's."""
    return token.scopes & frozenset(row.scope.split()) & reach(row.permissions)


def _methods(opened_by: str) -> tuple[str, ...]:
    """`oidc:<provider>`, with `+` and the second factor: one of ours, or `mfa` when the provider asked for it."""
    if not opened_by.startswith("oidc:"):
        return _METHODS.get(opened_by, (opened_by,))
    return ("oidc", *_SECONDS.get(opened_by.partition("+")[2], ()))
