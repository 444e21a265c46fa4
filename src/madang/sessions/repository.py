"""All SQL of sessions."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg import InterfaceError, PostgresError
from sqlalchemy import Dialect, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.orm import aliased

from madang.accounts.models import PERSON, Account, Role, person_tag
from madang.db.session import Database, Session, changed_rows
from madang.db.touching import touch
from madang.sessions.models import SignInChallenge, UserSession

_CALLER = (
    select(
        *PERSON,
        UserSession.scope,
        UserSession.actor_id,
        UserSession.authenticated_at,
        UserSession.ended_at,
        UserSession.expires_at,
        UserSession.idle_expires_at,
    )
    .join(Account, Account.id == UserSession.account_id)
    .join(Role, Role.name == Account.role)
    .where(UserSession.id == bindparam("session_id"))
)

_asyncpg_dialect: Callable[[], Dialect] = dialect
_CALLER_SQL = str(_CALLER.compile(dialect=_asyncpg_dialect()))

_SESSIONS = UserSession.metadata.tables[UserSession.__tablename__]
# Built once, since a statement costs several times more to build than to run, and on the table rather than the model:
# nothing of the family is in the session yet, so there is nothing to synchronise or to track.
_ADVANCE = (
    update(_SESSIONS)
    .where(UserSession.id == bindparam("family"), UserSession.counter == bindparam("presented"))
    .where(UserSession.ended_at.is_(None), UserSession.expires_at > bindparam("new_rotated_at"))
    .where(UserSession.idle_expires_at > bindparam("new_rotated_at"))
    .where(UserSession.account_id.in_(select(Account.id).where(Account.is_active)))
    .values(counter=bindparam("presented") + 1)
    .values({name: bindparam(f"new_{name}") for name in ("rotated_at", "last_used_at", "idle_expires_at", "key_id")})
    .returning(*_SESSIONS.columns)
)


class _Row(asyncpg.Record):
    """A record whose columns are attributes, as SQLAlchemy's rows have them."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class CallerRepository:
    """Account and session of a caller: the one read that every authenticated request makes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, session_id: UUID) -> Any:
        """A row, or None. On PostgreSQL by the driver itself, at a third of the cost; see `_from_driver`."""
        if self._database.is_postgresql:
            with suppress(PostgresError, InterfaceError, OSError):
                return await self._from_driver(session_id)
        async with self._database.read_connection() as connection:
            return (await connection.execute(_CALLER, {"session_id": session_id})).one_or_none()

    async def _from_driver(self, session_id: UUID) -> Any:
        """65 µs of the server's time instead of 213. What fails here is run again the ordinary way, which knows a
        broken connection from a broken statement and answers for it."""
        async with self._database.pooled_connection() as connection:
            driver: Any = connection.driver_connection
            return await driver.fetchrow(_CALLER_SQL, session_id, record_class=_Row)


class SessionRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, user_session: UserSession) -> None:
        touch(self._session, person_tag(user_session.account_id))
        self._session.add(user_session)
        await self._session.flush()

    async def advance(self, session_id: UUID, counter: int, values: dict[str, Any]) -> UserSession | None:
        """Move a live family on from `counter`; None when it isn't there. Of parallel calls exactly one succeeds."""
        given = {f"new_{name}": value for name, value in values.items()}
        result = await self._session.execute(_ADVANCE, {"family": session_id, "presented": counter, **given})
        row = result.one_or_none()
        return None if row is None else UserSession(**row._mapping)

    async def locked(self, session_id: UUID) -> UserSession | None:
        return await self._session.get(UserSession, session_id, with_for_update=True)

    async def live_of(self, account_id: UUID, now: datetime) -> Sequence[UserSession]:
        statement = select(UserSession).where(UserSession.account_id == account_id, *_live(now))
        return (await self._session.scalars(statement.order_by(UserSession.last_used_at.desc()))).all()

    async def live_with_account(self, session_id: UUID, now: datetime) -> tuple[UserSession, Account] | None:
        statement = select(UserSession, Account).join(Account, Account.id == UserSession.account_id)
        statement = statement.where(UserSession.id == session_id, Account.is_active, *_live(now))
        row = (await self._session.execute(statement)).one_or_none()
        return None if row is None else (row[0], row[1])

    async def last_started(self, account_id: UUID) -> datetime | None:
        own = (UserSession.account_id == account_id, UserSession.actor_id.is_(None))
        return await self._session.scalar(select(func.max(UserSession.created_at)).where(*own))

    async def end(self, now: datetime, reason: str, *conditions: Any) -> Sequence[UserSession]:
        ended = await self._session.scalars(
            update(UserSession)
            .where(UserSession.ended_at.is_(None), *conditions)
            .values(ended_at=now, end_reason=reason)
            .returning(UserSession)
        )
        return ended.all()

    async def end_one(self, session_id: UUID, now: datetime, reason: str) -> Sequence[UserSession]:
        return await self.end(now, reason, UserSession.id == session_id)

    async def end_own(self, account_id: UUID, session_id: UUID, now: datetime) -> Sequence[UserSession]:
        return await self.end(now, "revoked", UserSession.id == session_id, UserSession.account_id == account_id)

    async def end_expired_impersonations(self, now: datetime) -> Sequence[UserSession]:
        return await self.end(now, "expired", UserSession.actor_id.is_not(None), UserSession.expires_at <= now)

    async def authenticated(self, session_id: UUID, now: datetime) -> None:
        """The person of a session has proven again who they are."""
        await self._session.execute(
            update(UserSession).where(UserSession.id == session_id).values(authenticated_at=now)
        )

    async def end_others(
        self, account_id: UUID, kept: UUID, now: datetime, reason: str = "revoked"
    ) -> Sequence[UserSession]:
        return await self.end(now, reason, UserSession.account_id == account_id, UserSession.id != kept)

    async def end_all(self, account_id: UUID, now: datetime, reason: str) -> Sequence[UserSession]:
        return await self.end(now, reason, UserSession.account_id == account_id)

    async def is_known_device(self, session_id: UUID) -> bool:
        """Whether the account was signed in to before from where this session came: by the cookie that an earlier
        sign-in left there or, without any, by the same address and user agent. A first session is known."""
        this, earlier = aliased(UserSession), aliased(UserSession)
        others = and_(earlier.account_id == this.account_id, earlier.id < this.id)
        same_place = and_(earlier.ip == this.ip, earlier.user_agent.is_not_distinct_from(this.user_agent))
        known = select(earlier.id).where(
            others, or_(earlier.device == this.presented_device, and_(this.presented_device.is_(None), same_place))
        )
        statement = select(or_(known.exists(), ~select(earlier.id).where(others).exists())).where(this.id == session_id)
        return await self._session.scalar(statement) is not False

    async def add_challenge(self, challenge: SignInChallenge) -> None:
        self._session.add(challenge)
        await self._session.flush()

    async def challenge(self, digest: bytes, now: datetime) -> SignInChallenge | None:
        live = select(SignInChallenge).where(SignInChallenge.digest == digest, SignInChallenge.expires_at > now)
        return await self._session.scalar(live)

    async def use_challenge(self, digest: bytes) -> bool:
        """Delete it; of two at once one succeeds."""
        statement = delete(SignInChallenge).where(SignInChallenge.digest == digest).returning(SignInChallenge.digest)
        return bool((await self._session.execute(statement)).all())

    async def delete_challenges_of(self, account_id: UUID) -> None:
        await self._session.execute(delete(SignInChallenge).where(SignInChallenge.account_id == account_id))

    async def delete_challenges(self, before: datetime, limit: int) -> int:
        """Delete challenges that ran out before that time."""
        old = select(SignInChallenge.digest).where(SignInChallenge.expires_at < before).limit(limit)
        result = await self._session.execute(delete(SignInChallenge).where(SignInChallenge.digest.in_(old)))
        return changed_rows(result)

    async def delete_over(self, before: datetime, limit: int) -> int:
        """Delete sessions that ended or ran out before that time."""
        over = or_(UserSession.ended_at < before, UserSession.expires_at < before)
        old = select(UserSession.id).where(over).limit(limit)
        result = await self._session.execute(delete(UserSession).where(UserSession.id.in_(old)))
        return changed_rows(result)


def _live(now: datetime) -> tuple[Any, ...]:
    return (UserSession.ended_at.is_(None), UserSession.expires_at > now, UserSession.idle_expires_at > now)
