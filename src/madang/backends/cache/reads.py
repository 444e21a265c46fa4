"""Reads that are kept: looked up first, computed once for everybody who asks at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from madang.backends.cache.base import Reading, Values

Compute = Callable[[], Awaitable[bytes]]


class CachedReads:
    """Of one process. Another process that asks at the same time computes for itself."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._flights: dict[tuple[str, str, Any], asyncio.Task[bytes]] = {}

    async def get(self, tag: str, name: str, seconds: int, compute: Compute) -> bytes:
        """What is kept under that name, or what `compute` returns; it opens a unit of its own, and what it raises is
        raised for all who wait. Who comes after a write joins nobody who came before it."""
        reading = await self._values.read(tag, name, seconds)
        if reading.value is not None:
            return reading.value
        if reading.generation is None:
            return await compute()
        flight = (tag, name, reading.generation)
        if flight not in self._flights:
            self._flights[flight] = asyncio.create_task(self._compute(tag, name, reading, compute))
            self._flights[flight].add_done_callback(lambda task: self._land(flight, task))
        return await asyncio.shield(self._flights[flight])

    async def end(self, *tags: str) -> None:
        """Something was written and committed that the answers under these tags tell of."""
        await self._values.end(*tags)

    async def _compute(self, tag: str, name: str, reading: Reading, compute: Compute) -> bytes:
        value = await compute()
        await self._values.keep(tag, name, reading, value)
        return value

    def _land(self, flight: tuple[str, str, Any], task: asyncio.Task[bytes]) -> None:
        del self._flights[flight]
        if not task.cancelled():
            task.exception()  # everybody who waited may have left
