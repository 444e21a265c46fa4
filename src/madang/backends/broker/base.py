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


class BrokerUnavailable(Exception):
    """The broker does not answer; the message says how."""


class Broker(Protocol):
    """At least once: a message whose delivery raised, or whose process died, comes again.

    `is_remote` tells whether safe means taken by a server, so that handling comes later and maybe elsewhere.
    """

    is_remote: bool

    async def publish(self, message: Message) -> None:
        """Return once the message is safe (confirmed, or handled when embedded); raise otherwise.

        `BrokerUnavailable` says nothing about the message; anything else is what its handler raised.
        """

    async def consume(self, deliver: Deliver, bury: Deliver | None = None) -> None:
        """Hand every message to `deliver` from now on, and to `bury` what ended the process each time instead."""

    async def stop(self) -> None:
        """Hand out nothing more, and wait for what was handed out, though not for ever."""

    async def check(self) -> None:
        """Raises `BrokerUnavailable`."""

    async def close(self) -> None: ...
