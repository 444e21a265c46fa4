"""What the cache port promises."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from limits.aio.strategies import RateLimiter


class CacheUnavailable(Exception):
    """The cache does not answer; the message says how."""


class Cache(Protocol):
    """Everything here may be lost at any time; nothing that a security rule counts on lives in it."""

    def limiter(self) -> RateLimiter:
        """The strategy that counts hits of the general limits."""

    async def publish(self, channel: str, message: str) -> None:
        """Hand a message to everyone subscribed at this moment; returns without waiting for them."""

    def subscribe(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Messages published from the moment the context is entered; a slow reader may lose the oldest."""

    async def check(self) -> None:
        """Raises `CacheUnavailable`; for the operator, since nothing else depends on the cache answering."""

    async def close(self) -> None: ...
