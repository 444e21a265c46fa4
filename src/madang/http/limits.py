"""Limits: how often a person or an address may do a thing, counted by the `limits` package on the cache port."""

import time
from typing import Any

from fastapi import Depends, Request
from limits import RateLimitItem, parse

from madang.backends.cache.base import Cache
from madang.http.caller import CurrentUser
from madang.http.client_address import limit_key
from madang.kit.origin import current_origin
from madang.kit.problems import Text, TooMany
from madang.settings import Limits as LimitSettings


class RateLimited(TooMany):
    code = "rate-limited"
    title = Text("Too many requests", "요청이 너무 많습니다")
    detail = Text(
        "The limit {name} of {limit} is used up; try again in {seconds} s.",
        "{name} 한도({limit})를 모두 사용했습니다. {seconds}초 뒤에 다시 시도하세요.",
    )

    def __init__(self, name: str, item: RateLimitItem, seconds: int) -> None:
        super().__init__(retry_after=seconds, name=name, limit=str(item), seconds=seconds)
        self._policy = f'"{name}";q={item.amount};w={item.get_expiry()}'
        self._state = f'"{name}";r=0;t={seconds}'

    @property
    def headers(self) -> dict[str, str]:
        return super().headers | {"RateLimit-Policy": self._policy, "RateLimit": self._state}


class Limiter:
    """Counts hits per named limit and key."""

    def __init__(self, settings: LimitSettings, cache: Cache) -> None:
        self._enabled = settings.enabled
        self._window = cache.limiter()
        names = set(LimitSettings.model_fields) - {"enabled"}
        self._items = {name: parse(getattr(settings, name)) for name in names}

    def budget(self, name: str) -> tuple[int, int] | None:
        """How many in how many seconds, for what is counted in the database instead; None when limits are off."""
        item = self._items[name]
        return (item.amount, item.get_expiry()) if self._enabled else None

    async def hit(self, name: str, key: str) -> None:
        """Count one; raises `RateLimited` when the budget is used up."""
        item = self._items[name]
        if not self._enabled or await self._window.hit(item, name, key):
            return
        stats = await self._window.get_window_stats(item, name, key)
        raise RateLimited(name, item, max(1, round(stats.reset_time - time.time())))


def limited_by_address(name: str) -> Any:
    """A route dependency: one hit of the limit for the client's address."""

    async def check(request: Request) -> None:
        await _limiter(request).hit(name, limit_key(current_origin().ip or ""))

    return Depends(check)


def limited_by_person(name: str) -> Any:
    """A route dependency: one hit of the limit for the person calling."""

    async def check(request: Request, user: CurrentUser) -> None:
        await _limiter(request).hit(name, str(user.id))

    return Depends(check)


def _limiter(request: Request) -> Limiter:
    limiter: Limiter = request.app.state.limiter
    return limiter
