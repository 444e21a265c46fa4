"""From a message to the handlers that asked for its fact."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from madang.backends import Backends
from madang.backends.broker.base import Deliver, Message
from madang.db.session import Database, Session
from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.kit.origin import Origin, set_origin
from madang.outbox.relay import hand_back
from madang.outbox.repository import OutboxRepository


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a handler gets beside the fact: the envelope's id and time, and the house."""

    event_id: UUID
    at: datetime
    backends: Backends

    def before(self, days: int) -> datetime:
        """The time that many days ago, before which retention keeps nothing."""
        return utc_now() - timedelta(days=days)


Handler = Callable[[Event, Delivery], Awaitable[None]]
Handlers = Mapping[type[Event], list[Handler]]


class Dispatcher:
    """Every feature's handlers, by the wire name of their event."""

    def __init__(self, backends: Backends, tables: Iterable[Handlers]) -> None:
        self._backends = backends
        self._routes: dict[str, tuple[type[Event], list[Handler]]] = {}
        for table in tables:
            for kind, handlers in table.items():
                self._routes.setdefault(kind.name, (kind, []))[1].extend(handlers)

    async def deliver(self, message: Message) -> None:
        """Run each handler; a raise leaves the message to be delivered again, so handlers are idempotent."""
        kind, handlers = self._routes.get(message.name, (Event, []))
        set_origin(_origin(message.origin))
        event = kind.model_validate(message.data)
        for handler in handlers:
            await handler(event, Delivery(message.id, message.at, self._backends))


class Consumer:
    """Between a broker that is a server of its own and the handlers: what they refuse goes back to the outbox, which
    alone knows how to wait, to keep a key's order and to park."""

    def __init__(self, database: Database, deliver: Deliver) -> None:
        self._database = database
        self._deliver = deliver

    async def deliver(self, message: Message) -> None:
        try:
            await self._deliver(message)
        except Exception as error:
            await hand_back(self._database, message, error)

    async def bury(self, message: Message) -> None:
        """Park what ended its worker each time."""
        await hand_back(self._database, message, RuntimeError("the worker ended each time"), is_last=True)


async def seen(session: Session, event_id: UUID, handler: str) -> bool:
    """Whether `handler` has handled the event already; otherwise the mark commits with the session's unit."""
    return not await OutboxRepository(session).mark_handled(event_id, handler, utc_now())


async def was_seen(session: Session, event_id: UUID, handler: str) -> bool:
    """Whether the mark is there, for handlers whose work is outside the database and comes before it."""
    return await OutboxRepository(session).is_handled(event_id, handler)


def _origin(data: dict[str, str]) -> Origin:
    actor = data.get("actor_id")
    return Origin(
        data.get("request_id"),
        data.get("ip"),
        data.get("user_agent"),
        UUID(actor) if actor else None,
        data.get("language"),
    )
