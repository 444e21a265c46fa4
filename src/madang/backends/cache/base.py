"""What the cache port promises."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

from limits.aio.strategies import RateLimiter


class CacheUnavailable(Exception):
    """The cache does not answer; the message says how."""


class Reading(NamedTuple):
    """What was kept under a name, and the tag's generation at that moment; without one nothing may be kept."""

    value: bytes | None
    generation: Any


class Values(Protocol):
    """Answers that are kept until something is written that they tell of.

    Each is kept under a tag. Whoever writes ends the tag's generation after the commit; whoever reads takes the
    generation before the query, and what comes out is kept only while that one lives. So no answer that was read
    before a commit is kept after it.
    """

    async def read(self, tag: str, name: str, seconds: int) -> Reading:
        """What is kept; where the tag has no generation one begins, which ends by itself after so many seconds."""

    async def keep(self, tag: str, name: str, reading: Reading, value: bytes) -> None:
        """Keep a value, unless the generation of the reading has ended."""

    async def end(self, *tags: str) -> None:
        """Forget what is kept under these tags, and refuse what is still on its way to them."""


class Cache(Protocol):
    """Everything here may be lost at any time; nothing that a security rule counts on lives in it."""

    def limiter(self) -> RateLimiter:
        """The strategy that counts hits of the general limits."""

    async def publish(self, channel: str, message: str) -> None:
        """Hand a message to everyone subscribed at this moment; returns without waiting for them."""

    def values(self) -> Values:
        """Kept answers."""

    def subscribe(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Messages published from the moment the context is entered; a slow reader may lose the oldest."""

    async def check(self) -> None:
        """Raises `CacheUnavailable`; for the operator, since nothing else depends on the cache answering."""

    async def close(self) -> None: ...
