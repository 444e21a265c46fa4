"""Waking tasks, waiting for a while, and ending tasks for certain."""

import asyncio
from contextlib import suppress
from typing import Any
from weakref import WeakSet

_PATIENCE = 5.0


class Bell:
    """Wakes everybody in this process who waits for work of one kind; whoever is gone is forgotten."""

    def __init__(self) -> None:
        self._flags: WeakSet[asyncio.Event] = WeakSet()

    def listener(self) -> asyncio.Event:
        """A flag that is set at each ring."""
        flag = asyncio.Event()
        self._flags.add(flag)
        return flag

    def ring(self) -> None:
        for flag in self._flags:
            flag.set()


async def wait_for(flag: asyncio.Event, seconds: float) -> None:
    """Until the flag is set, for so long at most."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await flag.wait()


async def end(*tasks: asyncio.Future[Any], patience: float = _PATIENCE) -> list[Any]:
    """Cancel tasks and wait until each has ended; what they returned or raised, in their order.

    A cancellation is lost now and then: `asyncio.wait_for` before Python 3.12 returns normally when its time runs out
    at that moment (gh-86296), and a database driver may take it for the failure of a rollback. So it is repeated
    every `patience` seconds, which is longer than any task takes to put its things in order.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=patience)
    return await asyncio.gather(*tasks, return_exceptions=True)
