"""The embedded broker: publishing calls the handlers in this process; safe means that they finished."""

from madang.backends.broker.base import Deliver, Message
from madang.kit.unit_guard import forbid_in_unit


class NobodyConsumes(Exception):
    """A message was published before anything consumed; it stays in the outbox."""


class LocalBroker:
    is_remote = False

    def __init__(self) -> None:
        self._deliver: Deliver | None = None

    async def publish(self, message: Message) -> None:
        forbid_in_unit("publishing to the broker")
        if self._deliver is None:
            raise NobodyConsumes(message.name)
        await self._deliver(message)

    async def consume(self, deliver: Deliver, bury: Deliver | None = None) -> None:  # noqa: ARG002 - the relay parks
        self._deliver = deliver

    async def stop(self) -> None:
        self._deliver = None

    async def check(self) -> None:
        return

    async def close(self) -> None:
        self._deliver = None
