"""All SQL of the outbox."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import aliased

from madang.db.session import Session, changed_rows
from madang.outbox.models import HandledEvent, OutboxEvent


class OutboxRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, event: OutboxEvent) -> None:
        self._session.add(event)

    async def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[OutboxEvent]:
        """Lease the oldest unsent event of each key that is due; nobody else claims them before `until`."""
        earlier = aliased(OutboxEvent)
        blocked = exists().where(
            earlier.key == OutboxEvent.key,
            earlier.id < OutboxEvent.id,
            earlier.sent_at.is_(None),
            earlier.parked_at.is_(None),
        )
        due = (
            select(OutboxEvent.id)
            .where(OutboxEvent.sent_at.is_(None), OutboxEvent.parked_at.is_(None), OutboxEvent.due_at <= now)
            .where(or_(OutboxEvent.claimed_until.is_(None), OutboxEvent.claimed_until < now), ~blocked)
            .order_by(OutboxEvent.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        claimed = await self._session.scalars(
            update(OutboxEvent)
            .where(OutboxEvent.id.in_(due.scalar_subquery()))
            .values(claimed_until=until, attempts=OutboxEvent.attempts + 1)
            .returning(OutboxEvent)
        )
        return sorted(claimed.all(), key=lambda event: event.id)

    async def mark_sent(self, event_ids: Sequence[UUID], now: datetime) -> None:
        await self._set(OutboxEvent.id.in_(event_ids), sent_at=now, parked_at=None, claimed_until=None, error=None)

    async def postpone(self, event_id: UUID, attempt: int, due_at: datetime, error: str) -> None:
        await self._set(*_still_ours(event_id, attempt), due_at=due_at, claimed_until=None, error=error)

    async def park(self, event_id: UUID, attempt: int, now: datetime, error: str) -> None:
        await self._set(*_still_ours(event_id, attempt), parked_at=now, claimed_until=None, error=error)

    async def release(self, event_id: UUID, attempt: int) -> None:
        """Give the lease back unused."""
        await self._set(*_still_ours(event_id, attempt), claimed_until=None)

    async def mark_handled(self, event_id: UUID, handler: str, now: datetime) -> bool:
        """Whether this is the first time; the mark commits with the handler's own writes."""
        make = postgresql_insert if self._session.get_bind().dialect.name == "postgresql" else sqlite_insert
        statement = make(HandledEvent).values(event_id=event_id, handler=handler, handled_at=now)
        result = await self._session.execute(statement.on_conflict_do_nothing())
        return changed_rows(result) == 1

    async def is_handled(self, event_id: UUID, handler: str) -> bool:
        mark = select(HandledEvent.event_id).where(HandledEvent.event_id == event_id, HandledEvent.handler == handler)
        return bool(await self._session.scalar(select(mark.exists())))

    async def counts(self) -> tuple[int, int]:
        """How many events wait, and how many are parked."""
        waiting = select(func.count()).where(OutboxEvent.sent_at.is_(None), OutboxEvent.parked_at.is_(None))
        parked = select(func.count()).where(OutboxEvent.parked_at.is_not(None))
        row = (await self._session.execute(select(waiting.scalar_subquery(), parked.scalar_subquery()))).one()
        return row[0], row[1]

    async def delete_sent(self, before: datetime, limit: int) -> int:
        old = select(OutboxEvent.id).where(OutboxEvent.sent_at < before).limit(limit)
        result = await self._session.execute(delete(OutboxEvent).where(OutboxEvent.id.in_(old)))
        return changed_rows(result)

    async def delete_handled(self, before: datetime) -> int:
        return changed_rows(await self._session.execute(delete(HandledEvent).where(HandledEvent.handled_at < before)))

    async def _set(self, *which: ColumnElement[bool], **values: object) -> None:
        await self._session.execute(update(OutboxEvent).where(*which).values(**values))


def _still_ours(event_id: UUID, attempt: int) -> tuple[ColumnElement[bool], ...]:
    """Whoever claims counts an attempt, so a relay that comes back late does not undo its successor's lease."""
    return OutboxEvent.id == event_id, OutboxEvent.attempts == attempt, OutboxEvent.sent_at.is_(None)
