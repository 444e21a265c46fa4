"""Live sessions: listing and ending them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from madang.db.session import Session
from madang.kit import refresh_token
from madang.kit.clock import Clock
from madang.kit.refresh_token import RefreshToken
from madang.kit.secrets import Keyring
from madang.outbox.publish import Outbox
from madang.sessions.errors import NoSuchSession
from madang.sessions.events import SessionEnded
from madang.sessions.models import UserSession
from madang.sessions.repository import SessionRepository


class SessionService:
    def __init__(self, session: Session, keyring: Keyring, clock: Clock) -> None:
        self._sessions = SessionRepository(session)
        self._outbox = Outbox(session, clock)
        self._keyring = keyring
        self._clock = clock

    async def live_of(self, account_id: UUID) -> Sequence[UserSession]:
        return await self._sessions.live_of(account_id, self._clock())

    async def revoke(self, account_id: UUID, session_id: UUID) -> None:
        ended = await self._sessions.end_own(account_id, session_id, self._clock())
        if not ended:
            raise NoSuchSession
        self._tell(ended)

    async def revoke_all(self, account_id: UUID) -> int:
        """How many there were."""
        ended = await self._sessions.end_all(account_id, self._clock(), "revoked")
        self._tell(ended)
        return len(ended)

    async def last_started(self, account_id: UUID) -> datetime | None:
        """When the account was last signed in to, as far as its sessions are kept."""
        return await self._sessions.last_started(account_id)

    async def revoke_others(self, account_id: UUID, kept: UUID) -> None:
        self._tell(await self._sessions.end_others(account_id, kept, self._clock()))

    async def sign_out(self, session_ids: Iterable[UUID], refresh_tokens: Iterable[RefreshToken]) -> int:
        """End every session that a proven credential names; returns how many were live."""
        named = set(session_ids)
        for token in refresh_tokens:
            family = await self._sessions.locked(token.session_id)
            if family is not None and refresh_token.proves(self._keyring, token, family.salt):
                named.add(family.id)
        ended = [one for session_id in named for one in await self._end(session_id)]
        for one in ended:
            self._publish(one, ended_by=one.actor_id or one.account_id)
        return len(ended)

    async def _end(self, session_id: UUID) -> Sequence[UserSession]:
        return await self._sessions.end_one(session_id, self._clock(), "signed_out")

    def _tell(self, ended: Iterable[UserSession]) -> None:
        for one in ended:
            self._publish(one)

    def _publish(self, one: UserSession, ended_by: UUID | None = None) -> None:
        reason = one.end_reason or "revoked"
        fact = SessionEnded(session_id=one.id, account_id=one.account_id, reason=reason, ended_by=ended_by)
        self._outbox.publish(fact, key=one.account_id)
