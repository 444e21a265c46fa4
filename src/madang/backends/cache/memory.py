"""The embedded cache: one process's memory."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits.aio.storage import MemoryStorage
from limits.aio.strategies import RateLimiter, SlidingWindowCounterRateLimiter

_LONGEST_QUEUE = 10_000


class MemoryCache:
    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._readers: dict[str, set[asyncio.Queue[str]]] = defaultdict(set)

    def limiter(self) -> RateLimiter:
        return self._limiter

    async def publish(self, channel: str, message: str) -> None:
        for queue in self._readers.get(channel, ()):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(message)

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        queue: asyncio.Queue[str] = asyncio.Queue(_LONGEST_QUEUE)
        self._readers[channel].add(queue)
        try:
            yield _drain(queue)
        finally:
            self._readers[channel].discard(queue)
            if not self._readers[channel]:
                del self._readers[channel]

    async def close(self) -> None:
        self._readers.clear()


async def _drain(queue: asyncio.Queue[str]) -> AsyncIterator[str]:
    while True:
        yield await queue.get()
