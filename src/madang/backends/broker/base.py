"""What the broker port promises."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Message:
    """One published fact in its envelope."""

    id: UUID
    name: str
    key: str
    at: datetime
    data: dict[str, Any]
    origin: dict[str, Any]


Deliver = Callable[[Message], Awaitable[None]]


class Broker(Protocol):
    """At least once: a message whose delivery raised, or whose process died, comes again."""

    async def publish(self, message: Message) -> None:
        """Return once the message is safe (confirmed, or handled when embedded); raise otherwise."""

    async def consume(self, deliver: Deliver) -> None:
        """Hand every message to `deliver` from now on."""

    async def close(self) -> None: ...
