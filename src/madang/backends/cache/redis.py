"""The cache on Redis or Valkey: counters and channels that every server shares.

While it is away, limits are counted by each process for itself and channels reach this process alone; nothing fails.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from limits import RateLimitItem
from limits.aio.storage import RedisStorage
from limits.aio.strategies import RateLimiter, SlidingWindowCounterRateLimiter
from limits.util import WindowStats
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError

from madang.backends.cache.base import CacheUnavailable
from madang.backends.cache.memory import MemoryCache
from madang.backends.cache.outage import Outage
from madang.backends.cache.redis_channels import RedisChannels
from madang.backends.cache.redis_values import RedisValues
from madang.kit.unit_guard import forbid_in_unit

ABSENCE = (RedisError, OSError, TimeoutError)
Result = TypeVar("Result")
_PREFIX = "madang"
_TIMEOUT = 0.5
_CONNECTIONS = 50


class RedisCache:
    def __init__(self, url: str) -> None:
        # A connection that a restart has closed is replaced within the call; a silent server is not asked twice.
        options: dict[str, Any] = {
            "socket_timeout": _TIMEOUT,
            "socket_connect_timeout": _TIMEOUT,
            "retry": Retry(NoBackoff(), 1, supported_errors=(Disconnected,)),
        }
        self._pool = BlockingConnectionPool.from_url(url, max_connections=_CONNECTIONS, timeout=_TIMEOUT, **options)
        self._redis = Redis(connection_pool=self._pool)
        self._outage = Outage()
        self._here = MemoryCache()
        self._values = RedisValues(self._redis, self._outage)
        self._channels = RedisChannels(Redis.from_url(url, decode_responses=True, **options), self._here)
        shared: Any = self._pool  # the package's types know of simple options only
        storage = RedisStorage(f"async+{url}", implementation="redispy", key_prefix=_PREFIX, connection_pool=shared)
        self._limiter = FallingBack(storage, self._here.limiter(), self._outage)

    def limiter(self) -> RateLimiter:
        return self._limiter

    def values(self) -> RedisValues:
        return self._values

    async def publish(self, channel: str, message: str) -> None:
        forbid_in_unit("publishing to the cache")
        await _either(
            self._outage,
            lambda: self._redis.publish(channel, message),
            lambda: self._here.publish(channel, message),
        )

    def subscribe(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        return self._channels.subscribe(channel)

    async def check(self) -> None:
        try:
            async with asyncio.timeout(4 * _TIMEOUT):
                await self._redis.ping()
        except ABSENCE as error:
            raise CacheUnavailable(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        await self._channels.close()
        await self._redis.aclose()
        await self._pool.disconnect()


class FallingBack(SlidingWindowCounterRateLimiter):
    """Counts on Redis, and in this process while Redis is away."""

    def __init__(self, storage: RedisStorage, here: RateLimiter, outage: Outage) -> None:
        super().__init__(storage)
        self._here = here
        self._outage = outage

    async def hit(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        there = super().hit
        return await _either(
            self._outage,
            lambda: there(item, *identifiers, cost=cost),
            lambda: self._here.hit(item, *identifiers, cost=cost),
        )

    async def get_window_stats(self, item: RateLimitItem, *identifiers: str) -> WindowStats:
        there = super().get_window_stats
        return await _either(
            self._outage,
            lambda: there(item, *identifiers),
            lambda: self._here.get_window_stats(item, *identifiers),
        )


async def _either(outage: Outage, there: Callable[[], Awaitable[Result]], here: Callable[[], Awaitable[Any]]) -> Result:
    if not outage.goes_without():
        try:
            result = await there()
        except ABSENCE as error:
            outage.note_failure(error)
        else:
            outage.note_success()
            return result
    fallen_back: Result = await here()
    return fallen_back
