"""All SQL of the outbox."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, inspect, literal_column, or_, select, update
from sqlalchemy.orm import aliased

from madang.db.session import Session, changed_rows, insert_once
from madang.outbox.models import HandledEvent, OutboxEvent


class OutboxRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, event: OutboxEvent) -> None:
        self._session.add(event)

    async def add_once(self, event: OutboxEvent) -> bool:
        """Whether there was none of this id."""
        names = [column.key for column in inspect(OutboxEvent).column_attrs if getattr(event, column.key) is not None]
        values = {name: getattr(event, name) for name in names}
        return await insert_once(self._session, OutboxEvent, **values)

    async def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[OutboxEvent]:
        """Lease the oldest unsent event of each key that is due; nobody else claims them before `until`.

        With statistics from before a backlog grew, PostgreSQL takes every plan for equally cheap. OFFSET keeps it from
        turning the look at earlier events into a join that compares each with every other; and only the walk names
        `attempts`, which the index of dueness demands, so that the look can't walk that index too.
        """
        earlier = aliased(OutboxEvent)
        blocked = (
            select(earlier.id)
            .where(earlier.key == OutboxEvent.key, earlier.id < OutboxEvent.id)
            .where(earlier.sent_at.is_(None), earlier.parked_at.is_(None))
            .offset(0)
            .exists()
        )
        due = (
            select(OutboxEvent.id)
            .where(OutboxEvent.sent_at.is_(None), OutboxEvent.parked_at.is_(None), OutboxEvent.due_at <= now)
            .where(or_(OutboxEvent.claimed_until.is_(None), OutboxEvent.claimed_until < now), ~blocked)
            .where(OutboxEvent.attempts >= literal_column("0"))
            .order_by(OutboxEvent.due_at)
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

    async def mark_sent(self, sent: Sequence[tuple[UUID, int]], now: datetime) -> None:
        """Each event with the attempt that sent it; one that was taken back meanwhile stays unsent."""
        claimed = OutboxEvent.claimed_until.is_not(None)
        for attempt, ids in _by_attempt(sent).items():
            ours = (OutboxEvent.id.in_(ids), OutboxEvent.attempts == attempt)
            await self._set(*ours, claimed, sent_at=now, parked_at=None, claimed_until=None, error=None)

    async def attempts(self, event_id: UUID) -> int | None:
        """How often it has been claimed; None when the row is gone. Holds the row until the unit ends."""
        mine = select(OutboxEvent.attempts).where(OutboxEvent.id == event_id).with_for_update()
        return (await self._session.execute(mine)).scalar_one_or_none()

    async def take_back(self, event_id: UUID, due_at: datetime, error: str, parked_at: datetime | None) -> None:
        """Unsent again, whoever sent it."""
        row = OutboxEvent.id == event_id
        await self._set(row, sent_at=None, due_at=due_at, claimed_until=None, error=error, parked_at=parked_at)

    async def postpone(self, event_id: UUID, attempt: int, due_at: datetime, error: str) -> None:
        await self._set(*_still_ours(event_id, attempt), due_at=due_at, claimed_until=None, error=error)

    async def park(self, event_id: UUID, attempt: int, now: datetime, error: str) -> None:
        await self._set(*_still_ours(event_id, attempt), parked_at=now, claimed_until=None, error=error)

    async def release(self, event_id: UUID, attempt: int) -> None:
        """Give the lease back unused."""
        await self._set(*_still_ours(event_id, attempt), claimed_until=None)

    async def put_back(self, event_id: UUID, attempt: int) -> None:
        """As if it had not been claimed."""
        await self._set(*_still_ours(event_id, attempt), claimed_until=None, attempts=attempt - 1)

    async def mark_handled(self, event_id: UUID, handler: str, now: datetime) -> bool:
        """Whether this is the first time; the mark commits with the handler's own writes."""
        return await insert_once(self._session, HandledEvent, event_id=event_id, handler=handler, handled_at=now)

    async def is_handled(self, event_id: UUID, handler: str) -> bool:
        mark = select(HandledEvent.event_id).where(HandledEvent.event_id == event_id, HandledEvent.handler == handler)
        return bool(await self._session.scalar(select(mark.exists())))

    async def counts(self) -> tuple[int, int]:
        """How many events wait, and how many are parked."""
        waiting = select(func.count()).where(OutboxEvent.sent_at.is_(None), OutboxEvent.parked_at.is_(None))
        parked = select(func.count()).where(OutboxEvent.parked_at.is_not(None))
        row = (await self._session.execute(select(waiting.scalar_subquery(), parked.scalar_subquery()))).one()
        return row[0], row[1]

    async def parked(self, limit: int, after: UUID | None = None) -> Sequence[OutboxEvent]:
        found = select(OutboxEvent).where(OutboxEvent.parked_at.is_not(None)).order_by(OutboxEvent.id).limit(limit)
        if after is not None:
            found = found.where(OutboxEvent.id > after)
        return (await self._session.scalars(found)).all()

    async def unpark(self, event_ids: Sequence[UUID] | None, now: datetime) -> int:
        """Due now, with all tries before them; every parked one when none is named."""
        which = [OutboxEvent.parked_at.is_not(None)]
        if event_ids is not None:
            which.append(OutboxEvent.id.in_(event_ids))
        values = {"parked_at": None, "attempts": 0, "due_at": now, "claimed_until": None}
        return changed_rows(await self._session.execute(update(OutboxEvent).where(*which).values(values)))

    async def forget_origins(self, account_id: UUID) -> None:
        by_them = OutboxEvent.origin["actor_id"].as_string() == str(account_id)
        await self._set(or_(OutboxEvent.key == str(account_id), by_them), origin={})

    async def delete_sent(self, before: datetime, limit: int) -> int:
        old = select(OutboxEvent.id).where(OutboxEvent.sent_at < before).limit(limit)
        result = await self._session.execute(delete(OutboxEvent).where(OutboxEvent.id.in_(old)))
        return changed_rows(result)

    async def delete_handled(self, before: datetime) -> int:
        return changed_rows(await self._session.execute(delete(HandledEvent).where(HandledEvent.handled_at < before)))

    async def _set(self, *which: ColumnElement[bool], **values: object) -> None:
        statement = update(OutboxEvent).where(*which).values(**values)
        await self._session.execute(statement, execution_options={"synchronize_session": False})


def _still_ours(event_id: UUID, attempt: int) -> tuple[ColumnElement[bool], ...]:
    """Whoever claims counts an attempt, so a relay that comes back late does not undo its successor's lease."""
    return OutboxEvent.id == event_id, OutboxEvent.attempts == attempt, OutboxEvent.sent_at.is_(None)


def _by_attempt(sent: Sequence[tuple[UUID, int]]) -> dict[int, list[UUID]]:
    grouped: dict[int, list[UUID]] = {}
    for event_id, attempt in sent:
        grouped.setdefault(attempt, []).append(event_id)
    return grouped
