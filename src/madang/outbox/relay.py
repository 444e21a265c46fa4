"""The relay: claims published events, hands them to the broker, marks them sent; backs off and parks what fails."""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from madang.backends.broker.base import Broker, BrokerUnavailable, Message
from madang.db.session import Database
from madang.kit.clock import Clock, utc_now
from madang.kit.tasks import end, wait_for
from madang.outbox.models import OutboxEvent
from madang.outbox.publish import relays
from madang.outbox.repository import OutboxRepository

log = structlog.get_logger("madang.outbox")
LEASE = timedelta(seconds=60)
BATCH = 50
_REMOTE_BATCH = 200
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
        self._most = _REMOTE_BATCH if broker.is_remote else BATCH
        self._wake = relays.listener()
        self._half_done = asyncio.Event()
        self._sent: list[tuple[UUID, int]] = []
        self._is_broker_away = False

    async def run(self) -> None:
        """Send for ever. One slow handler holds up its own key alone; stopping gives back what was not finished.

        The first event after a pause goes at once. Beyond that the relay looks every 50 ms rather than at every event,
        so that it takes a tenth of what it took beside a storm of sign-ins; after a full batch, at half of it.
        """
        sending: dict[asyncio.Task[None], OutboxEvent] = {}
        try:
            while True:
                self._wake.clear()
                looked_at, room = time.monotonic(), (1 if self._is_broker_away else self._most) - len(sending)
                claimed = await self._exchange(max(room, 0))
                self._half_done.clear()
                for event in claimed:
                    task = asyncio.create_task(self._send(event))
                    sending[task] = event
                    task.add_done_callback(partial(self._ended, sending))
                await self._pause(looked_at, len(claimed), room)
        finally:
            await self._stop(sending)

    async def _pause(self, looked_at: float, claimed: int, room: int) -> None:
        if claimed == 0:
            await wait_for(self._wake, _POLL_SECONDS)
        elif self._is_broker_away:
            await asyncio.sleep(_POLL_SECONDS)
        gap = looked_at + _GAP_SECONDS - time.monotonic()
        if claimed < max(room, 1):
            await asyncio.sleep(gap)
        else:
            await wait_for(self._half_done, gap)

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
        if len(sending) <= self._most // 2:
            self._half_done.set()

    async def _stop(self, sending: dict[asyncio.Task[None], OutboxEvent]) -> None:
        unfinished = dict(sending)
        await end(*unfinished)
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
        except BrokerUnavailable as error:
            await self._note_absence(event, error)
            return
        except Exception as error:
            await self._note_failure(event, error)
            return
        if self._is_broker_away:
            self._is_broker_away = False
            log.warning("events are sent again")
        self._sent.append((event.id, event.attempts))

    async def _note_absence(self, event: OutboxEvent, error: Exception) -> None:
        """No try of the event's: it waits however long the broker is away, and one event at a time asks for it."""
        if not self._is_broker_away:
            self._is_broker_away = True
            log.warning("the broker does not answer; events wait", error=str(error))
        async with self._database.unit() as session:
            await OutboxRepository(session).put_back(event.id, event.attempts)

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


async def hand_back(database: Database, message: Message, error: Exception, *, is_last: bool = False) -> None:
    """What was sent and then refused is sent again later, or parked after its last try."""
    now, reason = utc_now(), f"{type(error).__name__}: {error}"[:1000]
    async with database.unit() as session:
        repository = OutboxRepository(session)
        attempts = await repository.attempts(message.id)
        if attempts is None:  # swept while it lay in the broker
            await repository.add(_row_of(message, now))
            attempts = 0
        is_last = is_last or attempts >= MAX_ATTEMPTS
        await repository.take_back(
            message.id, now + backoff(max(attempts, 1)), reason, parked_at=now if is_last else None
        )
    log.warning(
        "event not handled", name=message.name, id=str(message.id), attempts=attempts, parked=is_last, error=reason
    )


def _row_of(message: Message, now: datetime) -> OutboxEvent:
    return OutboxEvent(
        id=message.id,
        name=message.name,
        key=message.key,
        data=message.data,
        origin=message.origin,
        created_at=message.at,
        due_at=now,
    )


async def backlog(database: Database) -> tuple[int, int]:
    """How many events wait, and how many were parked after their last try."""
    async with database.read_unit() as session:
        return await OutboxRepository(session).counts()


def backoff(attempts: int) -> timedelta:
    """Exponential with full jitter from a half: about 1 s, 2 s, 4 s … up to ten minutes."""
    ceiling = min(_LONGEST_BACKOFF.total_seconds(), 2.0 ** (attempts - 1))
    return timedelta(seconds=ceiling * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret
