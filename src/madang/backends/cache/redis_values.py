"""Kept answers on Redis: a hash for each tag, whose empty field is the generation's token.

A script is one step for everybody, and a generation that ends takes its answers along. Nothing is kept while Redis is
away; what was written meanwhile is ended by the first call that gets through.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from madang.backends.cache.base import Reading
from madang.backends.cache.outage import Outage
from madang.kit.unit_guard import forbid_in_unit

_ABSENCE = (RedisError, OSError, TimeoutError)
_PREFIX = "madang:kept:"
MOST_NAMES = 200
_READ = """
if redis.call('HSETNX', KEYS[1], '', ARGV[1]) == 1 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return redis.call('HMGET', KEYS[1], '', ARGV[2])
"""
_KEEP = """
if redis.call('HGET', KEYS[1], '') == ARGV[1] and redis.call('HLEN', KEYS[1]) <= tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
end
"""


class RedisValues:
    def __init__(self, redis: Redis, outage: Outage) -> None:
        self._redis = redis
        self._outage = outage
        self._read = redis.register_script(_READ)
        self._keep = redis.register_script(_KEEP)
        self._unended: set[str] = set()

    async def read(self, tag: str, name: str, seconds: int) -> Reading:
        fields: list[Any] = [uuid4().bytes, _field(name), seconds]
        found = await self._ask(lambda: self._read(keys=[_PREFIX + tag], args=fields))
        return Reading(found[1], found[0]) if found else Reading(None, None)

    async def keep(self, tag: str, name: str, reading: Reading, value: bytes) -> None:
        if reading.generation is None:
            return
        fields = [reading.generation, _field(name), value, MOST_NAMES]
        await self._ask(lambda: self._keep(keys=[_PREFIX + tag], args=fields))

    async def end(self, *tags: str) -> None:
        self._unended.update(tags)
        await self._ask(None)

    async def _ask(self, question: Callable[[], Awaitable[Any]] | None) -> Any:
        forbid_in_unit("asking the cache")
        if self._outage.goes_without():
            return None
        try:
            await self._end_what_was_not()
            answer = await question() if question is not None else None
        except _ABSENCE as error:
            self._outage.note_failure(error)
            return None
        self._outage.note_success()
        return answer

    async def _end_what_was_not(self) -> None:
        tags, self._unended = self._unended, set()
        try:
            if tags:
                await self._redis.unlink(*(_PREFIX + tag for tag in tags))
        except BaseException:
            self._unended |= tags
            raise


def _field(name: str) -> bytes:
    """What was searched for may be somebody's name."""
    return hashlib.sha256(name.encode()).digest()
