"""Publishing: a row beside the change it tells of, in the same transaction."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from madang.db.session import Database, Session, after_commit
from madang.kit.clock import Clock, utc_now
from madang.kit.event import Event
from madang.kit.ids import derived_id, new_id
from madang.kit.origin import current_origin
from madang.kit.tasks import Bell
from madang.outbox.models import OutboxEvent
from madang.outbox.repository import OutboxRepository

WAKE_CHANNEL = "madang_outbox"
relays = Bell()


class Outbox:
    """Publishes facts within one unit of work; wakes this process's relay once the unit has committed."""

    def __init__(self, session: Session, clock: Clock = utc_now) -> None:
        self._session = session
        self._clock = clock

    def publish(self, event: Event, *, key: UUID | str) -> UUID:
        """Facts with one key (usually the noun's id) go out in order; returns the event's id."""
        row = self._row(new_id(), event, str(key))
        self._session.add(row)
        after_commit(self._session, relays.ring)
        return row.id

    async def publish_once(self, event: Event, *, key: str, moment: datetime) -> None:
        """As `publish`, though of all that name one moment, in whatever process, only the first is published."""
        row = self._row(derived_id(moment, event.name), event, key)
        if await OutboxRepository(self._session).add_once(row):
            after_commit(self._session, relays.ring)

    def _row(self, event_id: UUID, event: Event, key: str) -> OutboxEvent:
        now = self._clock()
        return OutboxEvent(
            id=event_id,
            name=event.name,
            key=key,
            data=event.model_dump(mode="json"),
            origin={name: str(value) for name, value in asdict(current_origin()).items() if value is not None},
            created_at=now,
            due_at=now,
        )


async def pass_on_wakes(database: Database) -> None:
    """In a process without a relay: tell those of other processes, once for all that was published meanwhile."""
    flag = relays.listener()
    while True:
        await flag.wait()
        flag.clear()
        await database.notify(WAKE_CHANNEL)
