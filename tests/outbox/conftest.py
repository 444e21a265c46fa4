"""A relay whose handlers and whose clock belong to the test."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from sqlalchemy import text

from madang.backends.broker.base import Message
from madang.backends.broker.local import LocalBroker
from madang.db.session import Database
from madang.kit.event import Event
from madang.outbox.publish import Outbox
from madang.outbox.relay import Relay

Handle = Callable[[Message], Awaitable[None]]
SOON = 10


class Noted(Event):
    name: ClassVar[str] = "tests.noted.v1"
    number: int


@dataclass
class ManualClock:
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class Post:
    """Publishes numbers, and delivers them to `handle`."""

    database: Database
    clock: ManualClock = field(default_factory=ManualClock)
    broker: LocalBroker = field(default_factory=LocalBroker)
    delivered: list[int] = field(default_factory=list)
    tries: Counter[int] = field(default_factory=Counter)
    refuse: set[int] = field(default_factory=set)

    def relay(self) -> Relay:
        return Relay(self.database, self.broker, self.clock)

    async def publish(self, *numbers: int, key: str = "one key") -> list[UUID]:
        async with self.database.unit() as session:
            outbox = Outbox(session, self.clock)
            return [outbox.publish(Noted(number=number), key=key) for number in numbers]

    async def handle(self, message: Message) -> None:
        number = message.data["number"]
        self.tries[number] += 1
        if number in self.refuse:
            raise RuntimeError(f"{number} can't be handled")
        self.delivered.append(number)

    async def drain(self) -> None:
        """Until nothing more is due."""
        relay = self.relay()
        while await relay.drain_once():
            pass

    async def rows(self, columns: str = "*") -> list[Any]:
        async with self.database.read_unit() as session:
            return list(await session.execute(text(f"SELECT {columns} FROM outbox_events ORDER BY id")))


@pytest.fixture
async def post(database: Database) -> Post:
    made = Post(database)
    await made.broker.consume(made.handle)
    return made


async def within_reason(awaited: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(awaited, SOON)
