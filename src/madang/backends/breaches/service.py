"""A service that answers ranges of SHA-1 hashes, as Have I Been Pwned's range API does."""

import asyncio

import httpx2

from madang.backends.breaches.base import BreachesUnavailable, lists, split_hash
from madang.kit.unit_guard import forbid_in_unit

SECONDS = 1.5


class BreachService:
    def __init__(self, url: str, outbound: httpx2.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self._outbound = outbound

    async def contains(self, password: str) -> bool:
        forbid_in_unit("asking the breach service")
        prefix, suffix = split_hash(password)
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._outbound.get(f"{self._url}/{prefix}", headers={"Add-Padding": "true"})
                answer.raise_for_status()
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            raise BreachesUnavailable(f"{self._url}: {type(error).__name__}") from error
        return lists(answer.text, suffix)
