"""Publishing: a row beside the change it tells of, in the same transaction."""

from asyncio import Event as Flag
from dataclasses import asdict
from uuid import UUID
from weakref import WeakSet

from madang.db.session import Session, after_commit
from madang.kit.clock import Clock, utc_now
from madang.kit.event import Event
from madang.kit.ids import new_id
from madang.kit.origin import current_origin
from madang.outbox.models import OutboxEvent

_waiting_relays: WeakSet[Flag] = WeakSet()


class Outbox:
    """Publishes facts within one unit of work; wakes this process's relay once the unit has committed."""

    def __init__(self, session: Session, clock: Clock = utc_now) -> None:
        self._session = session
        self._clock = clock

    def publish(self, event: Event, *, key: UUID | str) -> UUID:
        """Facts with one key (usually the noun's id) go out in order; returns the event's id."""
        now = self._clock()
        row = OutboxEvent(
            id=new_id(),
            name=event.name,
            key=str(key),
            data=event.model_dump(mode="json"),
            origin={name: str(value) for name, value in asdict(current_origin()).items() if value is not None},
            created_at=now,
            due_at=now,
        )
        self._session.add(row)
        after_commit(self._session, wake_relays)
        return row.id


def wake_relays() -> None:
    for flag in _waiting_relays:
        flag.set()


def register_relay(flag: Flag) -> None:
    _waiting_relays.add(flag)
