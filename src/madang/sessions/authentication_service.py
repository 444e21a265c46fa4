"""Answers who is calling, and owns the keys that access tokens are signed with."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from madang.db.session import Database, Session, advisory_lock
from madang.kit.access_token import ALGORITHM, AccessTokens, new_private_key
from madang.kit.caller import Caller
from madang.kit.clock import Clock
from madang.kit.ids import new_id
from madang.kit.secrets import Keyring
from madang.sessions.errors import InvalidAccessToken
from madang.sessions.models import SigningKey, UserSession
from madang.sessions.repository import CallerRepository, SessionRepository

# How a session was opened, as RFC 8176 names the methods.
_METHODS = {"otp": ("pwd", "otp", "mfa"), "recovery": ("pwd", "mfa")}


class AuthenticationService:
    """The application's `Authenticator`. Revocation holds from the next request on, since the row is read anew."""

    def __init__(self, database: Database, tokens: AccessTokens, clock: Clock) -> None:
        self._callers = CallerRepository(database)
        self._tokens = tokens
        self._clock = clock

    def subject(self, token: str) -> str | None:
        read = self._tokens.read(token)
        return read.subject if read and read.is_live(self._clock().timestamp()) else None

    def session_of(self, token: str) -> UUID | None:
        """The session that a token names, expired or not: signing out needs no live token."""
        read = self._tokens.read(token)
        return read.session_id if read else None

    async def authenticate(self, token: str) -> Caller:
        read = self._tokens.read(token)
        now = self._clock()
        if read is None or not read.is_live(now.timestamp()):
            raise InvalidAccessToken
        row = await self._callers.get(read.session_id)
        if row is None or not row.is_active or str(row.id) != read.subject:
            raise InvalidAccessToken
        if row.ended_at is not None or min(row.expires_at, row.idle_expires_at) <= now:
            raise InvalidAccessToken
        return Caller(row, read.session_id, read.scopes & frozenset(row.scope.split()), row.authenticated_at)

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
            methods=_METHODS.get(user_session.method, (user_session.method,)),
        )


async def open_authentication(
    database: Database, keyring: Keyring, issuer: str, ttl: timedelta, clock: Clock
) -> AuthenticationService:
    """Load the signing keys, making the first one if there is none."""
    async with database.unit() as session:
        await advisory_lock(session, "signing keys")
        keys = await _load_keys(session, keyring) or await _first_key(session, keyring, clock)
    return AuthenticationService(database, AccessTokens(keys, issuer, ttl), clock)


async def _load_keys(session: Session, keyring: Keyring) -> dict[str, bytes]:
    stored = await SessionRepository(session).signing_keys()
    return {row.id: keyring.unseal(row.sealed) for row in stored}


async def _first_key(session: Session, keyring: Keyring, clock: Clock) -> dict[str, bytes]:
    key = new_private_key()
    row = SigningKey(id=new_id().hex, algorithm=ALGORITHM, sealed=keyring.seal(key), created_at=clock())
    await SessionRepository(session).add_signing_key(row)
    return {row.id: key}
