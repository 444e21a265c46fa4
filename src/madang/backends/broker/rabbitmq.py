"""The broker on RabbitMQ: confirmed, persistent, and acknowledged once handled."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import structlog
from aio_pika import DeliveryMode, connect
from aio_pika import Message as Envelope
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPException

from madang.backends.broker.base import BrokerUnavailable, Deliver, Message
from madang.backends.broker.cloud_event import CONTENT_TYPE, NotAnEvent, from_bytes, to_bytes
from madang.backends.broker.rabbitmq_topology import declare
from madang.kit.tasks import end
from madang.kit.unit_guard import forbid_in_unit

log = structlog.get_logger("madang.broker")
for _chatty in ("aiormq", "aio_pika"):  # each lost connection is several tracebacks there, and one line here
    logging.getLogger(_chatty).setLevel(logging.CRITICAL)
ABSENCE = (AMQPException, OSError, TimeoutError, RuntimeError, ConnectionError)
_TIMEOUT = 5.0
_PREFETCH = 32
_RECONNECT_SECONDS = 1.0
_REFUSED_PAUSE_SECONDS = 1.0
_FAREWELL_SECONDS = 10.0


class RabbitMQBroker:
    """One connection publishes and one consumes, since RabbitMQ may block the former; each is made anew when lost."""

    is_remote = True

    def __init__(self, url: str) -> None:
        self._url = url
        self._publishing = AsyncExitStack()
        self._channel: AbstractChannel | None = None
        self._exchange: AbstractExchange | None = None
        self._connecting = asyncio.Lock()
        self._not_before = 0.0
        self._consuming: asyncio.Task[None] | None = None
        self._in_hand: set[asyncio.Task[None]] = set()

    async def publish(self, message: Message) -> None:
        forbid_in_unit("publishing to the broker")
        envelope = Envelope(
            to_bytes(message),
            content_type=CONTENT_TYPE,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=str(message.id),
            timestamp=message.at,
            type=message.name,
        )
        try:
            exchange = await self._open_exchange()
            await exchange.publish(envelope, routing_key=message.name, mandatory=True, timeout=_TIMEOUT)
        except ABSENCE as error:
            raise BrokerUnavailable(f"{type(error).__name__}: {error}") from error

    async def consume(self, deliver: Deliver, bury: Deliver | None = None) -> None:
        self._consuming = asyncio.create_task(self._consume_for_ever(deliver, bury))

    async def stop(self) -> None:
        if self._consuming is not None:
            await end(self._consuming, patience=_FAREWELL_SECONDS + _TIMEOUT)
            self._consuming = None

    async def check(self) -> None:
        try:
            async with _channel(self._url) as channel:
                await declare(channel)
        except ABSENCE as error:
            raise BrokerUnavailable(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        await self.stop()
        self._exchange = None
        await self._publishing.aclose()

    async def _open_exchange(self) -> AbstractExchange:
        async with self._connecting:
            if self._exchange is None or self._channel is None or self._channel.is_closed:
                self._exchange = None
                await self._publishing.aclose()
                await self._connect()
            assert self._exchange is not None  # noqa: S101 - or connecting has raised
            return self._exchange

    async def _connect(self) -> None:
        """Whoever waited beside one that failed does not try again at once."""
        if time.monotonic() < self._not_before:
            raise ConnectionError("it did not answer a moment ago")
        try:
            self._channel = await self._publishing.enter_async_context(_channel(self._url))
            self._exchange, _, _ = await declare(self._channel)
        except BaseException:
            self._not_before = time.monotonic() + _RECONNECT_SECONDS / 2
            raise

    async def _consume_for_ever(self, deliver: Deliver, bury: Deliver | None) -> None:
        is_away = False
        while True:
            try:
                async with _channel(self._url) as channel:
                    if is_away:
                        log.warning("the broker answers again")
                    is_away = False
                    await self._consume(channel, deliver, bury)
            except ABSENCE as error:
                if not is_away:
                    log.warning("the broker does not answer; events wait", error=f"{type(error).__name__}: {error}")
                is_away = True
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _consume(self, channel: AbstractChannel, deliver: Deliver, bury: Deliver | None) -> None:
        """Until the channel is lost, or this is cancelled: then what is in hand is finished first."""
        await channel.set_qos(prefetch_count=_PREFETCH)
        _, work, dead = await declare(channel)
        tags = [(work, await work.consume(partial(self._take, deliver)))]
        if bury is not None:
            tags.append((dead, await dead.consume(partial(self._take, bury))))
        try:
            await channel.closed()
        finally:
            await self._finish(tags)

    async def _finish(self, tags: list[tuple[AbstractQueue, str]]) -> None:
        with suppress(*ABSENCE):
            for queue, tag in tags:
                await queue.cancel(tag)
        if self._in_hand:
            _, unfinished = await asyncio.wait(self._in_hand, timeout=_FAREWELL_SECONDS)
            await end(*unfinished)

    async def _take(self, deliver: Deliver, incoming: AbstractIncomingMessage) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - the library makes one for each message
        self._in_hand.add(task)
        try:
            await _handle(incoming, deliver)
        except ABSENCE as error:
            log.warning("an answer to the broker was lost; the event comes again", error=str(error))
        finally:
            self._in_hand.discard(task)


async def _handle(incoming: AbstractIncomingMessage, deliver: Deliver) -> None:
    try:
        message = from_bytes(incoming.body)
    except NotAnEvent as error:
        log.error("dropped what is no event", error=str(error), body=incoming.body[:500])
        await incoming.ack()
        return
    await _insist(message, deliver)
    await incoming.ack()


async def _insist(message: Message, deliver: Deliver) -> None:
    """Keep a message that could not be taken (the database is away, say), and try again: a redelivery would count
    against the limit that is there for messages which end their worker."""
    is_told = False
    while True:
        try:
            return await deliver(message)
        except Exception as error:
            if not is_told:
                log.warning("event not taken; trying again", name=message.name, id=str(message.id), error=str(error))
            is_told = True
        await asyncio.sleep(_REFUSED_PAUSE_SECONDS)


@asynccontextmanager
async def _channel(url: str) -> AsyncIterator[AbstractChannel]:
    """One channel on a connection of its own; a message that no queue takes is an error."""
    connection = await connect(url, timeout=_TIMEOUT, client_properties={"connection_name": "madang"})
    try:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)
    finally:
        with suppress(*ABSENCE):
            async with asyncio.timeout(_TIMEOUT):
                await connection.close()
