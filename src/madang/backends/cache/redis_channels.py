"""Channels over Redis: one connection a process, however many readers and channels; readers share it in memory."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from madang.backends.cache.memory import MemoryCache
from madang.kit.tasks import end

log = structlog.get_logger("madang.cache")
# Keeps the connection subscribed to something while nobody reads.
_ALWAYS = "madang:channels"
_SILENCE_SECONDS = 5.0
_RECONNECT_SECONDS = 0.5
_CONFIRM_SECONDS = 0.5


class RedisChannels:
    """What Redis says on a channel is handed to this process's readers of it. A lost connection is made anew, with
    every channel that has readers; what was said meanwhile is lost."""

    def __init__(self, redis: "Redis", here: MemoryCache) -> None:
        self._redis = redis
        self._here = here
        self._readers: Counter[str] = Counter()
        self._confirmed: dict[str, asyncio.Event] = {}
        self._connection: PubSub | None = None
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen_for_ever())
        async with self._here.subscribe(channel) as messages:
            await self._enter(channel)
            try:
                yield messages
            finally:
                await self._leave(channel)

    async def close(self) -> None:
        if self._listening is not None:
            await end(self._listening)
        await self._redis.aclose()

    async def _enter(self, channel: str) -> None:
        """Wait until Redis has confirmed, though not for long: without Redis a reader hears this process alone."""
        self._readers[channel] += 1
        confirmed = self._confirmed.setdefault(channel, asyncio.Event())
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(_CONFIRM_SECONDS):
                if self._readers[channel] == 1 and self._connection is not None:
                    await self._connection.subscribe(channel)
                await confirmed.wait()

    async def _leave(self, channel: str) -> None:
        self._readers[channel] -= 1
        if self._readers[channel]:
            return
        del self._readers[channel], self._confirmed[channel]
        if self._connection is not None:
            with suppress(RedisError, OSError, TimeoutError):
                await self._connection.unsubscribe(channel)

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as connection:
                    await self._listen(connection)
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("channels lost their connection", error=str(error))
            except Exception:
                log.exception("channels failed")
            finally:
                self._connection = None
                for confirmed in self._confirmed.values():
                    confirmed.clear()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen(self, connection: PubSub) -> None:
        await connection.subscribe(_ALWAYS)
        self._connection = connection
        if self._readers:
            await connection.subscribe(*self._readers)
        is_asked = False
        while True:
            message = await connection.get_message(timeout=_SILENCE_SECONDS)
            if message is None:
                if is_asked:
                    raise TimeoutError("silent for too long")
                await connection.ping()
            else:
                await self._take(message)
            is_asked = message is None

    async def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "message":
            await self._here.publish(message["channel"], message["data"])
        elif message["type"] == "subscribe" and (confirmed := self._confirmed.get(message["channel"])):
            confirmed.set()
