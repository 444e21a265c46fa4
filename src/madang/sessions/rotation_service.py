"""Rotation of refresh tokens (RFC 9700 §4.14.2) with a grace window for tabs that refresh at once."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NoReturn

from madang.db.session import Database, Session
from madang.kit import refresh_token
from madang.kit.clock import Clock
from madang.kit.refresh_token import RefreshToken
from madang.kit.secrets import Keyring
from madang.kit.tokens import MalformedToken
from madang.outbox.publish import Outbox
from madang.sessions.errors import InvalidRefreshToken, RefreshTokenReused
from madang.sessions.events import RefreshTokenReuseDetected, SessionEnded
from madang.sessions.models import UserSession
from madang.sessions.opening_service import Lifetimes
from madang.sessions.repository import SessionRepository


def parse_refresh_token(text: str) -> RefreshToken:
    """Recognise garbage without the database."""
    try:
        return refresh_token.parse(text)
    except MalformedToken:
        raise InvalidRefreshToken from None


def readable_refresh_tokens(presented: Iterable[str | None]) -> list[RefreshToken]:
    """Those of the texts that are refresh tokens by their form."""
    readable = []
    for text in presented:
        with suppress(InvalidRefreshToken):
            readable += [parse_refresh_token(text)] if text else []
    return readable


class RotationService:
    def __init__(self, database: Database, keyring: Keyring, lifetimes: Lifetimes, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._lifetimes = lifetimes
        self._clock = clock

    async def rotate(self, presented: RefreshToken) -> tuple[UserSession, str]:
        """The session and its live refresh token.

        The live token moves the family on. Its immediate predecessor, inside the grace window, gets the same
        successor again. Anything older is theft and ends the family.
        """
        async with self._database.unit() as session:
            sessions = SessionRepository(session)
            moved = await sessions.advance(presented.session_id, presented.counter, self._step())
            family = moved or await sessions.locked(presented.session_id)
            if family is None or not refresh_token.proves(self._keyring, presented, family.salt):
                raise InvalidRefreshToken  # rolls the step back
            if moved is None and not self._is_forgiven(family, presented):
                await self._end_family(session, family)
            return family, self._live_token(family)

    def _step(self) -> dict[str, Any]:
        now = self._clock()
        return {
            "rotated_at": now,
            "last_used_at": now,
            "idle_expires_at": now + self._lifetimes.idle,
            "key_id": self._keyring.current_id,
        }

    def _is_forgiven(self, family: UserSession, presented: RefreshToken) -> bool:
        """Whether a genuine token that is not the live one is the predecessor inside the grace window."""
        now = self._clock()
        if family.ended_at is not None or presented.counter >= family.counter:
            raise InvalidRefreshToken
        if min(family.expires_at, family.idle_expires_at) <= now:
            raise InvalidRefreshToken
        return presented.counter == family.counter - 1 and now - family.rotated_at <= self._lifetimes.grace

    async def _end_family(self, session: Session, family: UserSession) -> NoReturn:
        await SessionRepository(session).end_one(family.id, self._clock(), "reuse")
        facts = {"session_id": family.id, "account_id": family.account_id}
        outbox = Outbox(session, self._clock)
        outbox.publish(RefreshTokenReuseDetected(**facts), key=family.account_id)
        outbox.publish(SessionEnded(**facts, reason="reuse"), key=family.account_id)
        raise RefreshTokenReused

    def _live_token(self, family: UserSession) -> str:
        token = refresh_token.make(self._keyring, family.key_id, family.salt, family.id, family.counter)
        if token is None:
            raise InvalidRefreshToken  # the secret it was made under was retired between two rotations
        return token.encode()
