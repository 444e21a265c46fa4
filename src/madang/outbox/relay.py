"""The relay: claims published events, hands them to the broker, marks them sent; backs off and parks what fails."""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from madang.backends.broker.base import Broker, Message
from madang.db.session import Database
from madang.kit.clock import Clock, utc_now
from madang.outbox.models import OutboxEvent
from madang.outbox.publish import register_relay
from madang.outbox.repository import OutboxRepository

log = structlog.get_logger("madang.outbox")
LEASE = timedelta(seconds=60)
BATCH = 50
MAX_ATTEMPTS = 12
_POLL_SECONDS = 1.0
_GAP_SECONDS = 0.05
_LONGEST_BACKOFF = timedelta(minutes=10)


class Relay:
    """One relay of a process. Delivery is at least once: a crash between handling and marking sends again."""

    def __init__(self, database: Database, broker: Broker, clock: Clock = utc_now) -> None:
        self._database = database
        self._broker = broker
        self._clock = clock
        self._wake = asyncio.Event()
        self._sent: list[UUID] = []
        register_relay(self._wake)

    async def run(self) -> None:
        """Send for ever. One slow handler holds up its own key alone; stopping gives back what was not finished.

        The first event after a pause goes at once. Beyond that the relay looks every 50 ms rather than at every event,
        so that it takes a tenth of what it took beside a storm of sign-ins; a full batch is followed without a pause.
        """
        sending: dict[asyncio.Task[None], OutboxEvent] = {}
        try:
            while True:
                self._wake.clear()
                looked_at, room = time.monotonic(), BATCH - len(sending)
                claimed = await self._exchange(room)
                for event in claimed:
                    task = asyncio.create_task(self._send(event))
                    sending[task] = event
                    task.add_done_callback(partial(self._ended, sending))
                if not claimed:
                    await self._sleep()
                if len(claimed) < max(room, 1):
                    await asyncio.sleep(looked_at + _GAP_SECONDS - time.monotonic())
        finally:
            await self._stop(sending)

    async def drain_once(self) -> int:
        """Send what is due now; returns how many events were tried."""
        events = await self._exchange(BATCH)
        await asyncio.gather(*(self._send(event) for event in events))
        await self._exchange(0)
        return len(events)

    async def _exchange(self, room: int) -> Sequence[OutboxEvent]:
        """In one unit: mark what the broker has taken since the last time, and claim what is due."""
        sent, now = list(self._sent), self._clock()
        async with self._database.unit() as session:
            repository = OutboxRepository(session)
            if sent:
                await repository.mark_sent(sent, now)
            claimed = await repository.claim(now, now + LEASE, room) if room else []
        del self._sent[: len(sent)]
        return claimed

    def _ended(self, sending: dict[asyncio.Task[None], OutboxEvent], task: asyncio.Task[None]) -> None:
        event = sending.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("event not marked; it comes again", name=event.name, id=str(event.id), error=str(error))
        self._wake.set()

    async def _stop(self, sending: dict[asyncio.Task[None], OutboxEvent]) -> None:
        unfinished = dict(sending)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        await self._exchange(0)
        for task, event in unfinished.items():
            if task.cancelled():
                async with self._database.unit() as session:
                    await OutboxRepository(session).release(event.id, event.attempts)

    async def _send(self, event: OutboxEvent) -> None:
        if event.attempts > MAX_ATTEMPTS:
            await self._note_failure(event, RuntimeError("the process ended each time that this was handled"))
            return
        message = Message(event.id, event.name, event.key, event.created_at, event.data, event.origin)
        try:
            async with asyncio.timeout(LEASE.total_seconds() / 2):
                await self._broker.publish(message)
        except Exception as error:
            await self._note_failure(event, error)
            return
        self._sent.append(event.id)

    async def _note_failure(self, event: OutboxEvent, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"[:1000]
        now = self._clock()
        async with self._database.unit() as session:
            repository = OutboxRepository(session)
            if event.attempts >= MAX_ATTEMPTS:
                await repository.park(event.id, event.attempts, now, reason)
            else:
                await repository.postpone(event.id, event.attempts, now + backoff(event.attempts), reason)
        parked = event.attempts >= MAX_ATTEMPTS
        log.warning(
            "event not delivered",
            name=event.name,
            id=str(event.id),
            attempts=event.attempts,
            parked=parked,
            error=reason,
        )

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return


async def backlog(database: Database) -> tuple[int, int]:
    """How many events wait, and how many were parked after their last try."""
    async with database.read_unit() as session:
        return await OutboxRepository(session).counts()


def backoff(attempts: int) -> timedelta:
    """Exponential with full jitter from a half: about 1 s, 2 s, 4 s … up to ten minutes."""
    ceiling = min(_LONGEST_BACKOFF.total_seconds(), 2.0 ** (attempts - 1))
    return timedelta(seconds=ceiling * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret
