"""The cache port, whatever the adapter: channels and counters, all of which may be lost."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from limits import parse
from tests.peers.redis_server import RedisServer

from madang.backends.cache import memory, open_cache, redis
from madang.backends.cache.base import Cache
from madang.settings import BadSettings

SOON = 10


@pytest.fixture(params=["memory", "redis", "valkey"])
async def cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cache]:
    monkeypatch.setattr(redis, "_TIMEOUT", SOON)  # a busy machine is no outage
    opened = open_cache(_url(request))
    yield opened
    await opened.close()


def _url(request: pytest.FixtureRequest) -> str:
    if request.param == "memory":
        return "memory://"
    server: RedisServer = request.getfixturevalue("shared_redis")
    return server.url.replace("redis", request.param)


@pytest.fixture
def key() -> str:
    """Nobody else's: servers that are shared remember."""
    return uuid4().hex


async def take(messages: AsyncIterator[str], count: int) -> list[str]:
    return [await asyncio.wait_for(anext(messages), SOON) for _ in range(count)]


async def test_every_subscriber_gets_every_message_in_order(cache: Cache) -> None:
    async with cache.subscribe("one") as first, cache.subscribe("one") as second, cache.subscribe("two") as other:
        for text in ("a", "나", "c"):
            await cache.publish("one", text)
        await cache.publish("two", "x")
        assert await take(first, 3) == await take(second, 3) == ["a", "나", "c"]
        assert await take(other, 1) == ["x"]


async def test_what_was_said_before_is_not_heard(cache: Cache) -> None:
    await cache.publish("one", "early")
    async with cache.subscribe("one") as messages:
        await cache.publish("one", "now")
        assert await take(messages, 1) == ["now"]


async def test_nobody_listens_is_no_error_and_leaves_nothing(cache: Cache) -> None:
    async with cache.subscribe("one"):
        pass
    await cache.publish("one", "into the void")
    async with cache.subscribe("one") as messages:
        await cache.publish("one", "heard")
        assert await take(messages, 1) == ["heard"]


async def test_a_slow_reader_loses_the_oldest_and_holds_up_nobody(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_LONGEST_QUEUE", 3)
    async with cache.subscribe("one") as slow, cache.subscribe("one") as quick:
        reading = asyncio.create_task(take(quick, 5))
        for number in range(5):
            await asyncio.wait_for(cache.publish("one", str(number)), SOON)
            await asyncio.sleep(0)
        assert await reading == ["0", "1", "2", "3", "4"]
        assert await take(slow, 3) == ["2", "3", "4"]


async def test_a_reader_that_fails_takes_no_other_with_it(cache: Cache) -> None:
    async def fail() -> None:
        async with cache.subscribe("one"):
            raise RuntimeError

    async with cache.subscribe("one") as steady:
        with pytest.raises(RuntimeError):
            await fail()
        await cache.publish("one", "still here")
        assert await take(steady, 1) == ["still here"]


async def test_hits_are_counted_by_name_and_key(cache: Cache, key: str) -> None:
    window, item = cache.limiter(), parse("2/minute")
    assert [await window.hit(item, "a", key) for _ in range(3)] == [True, True, False]
    assert (await window.get_window_stats(item, "a", key)).remaining == 0
    assert await window.hit(item, "a", key + "other")
    assert await window.hit(item, "other name", key)


async def test_parallel_hits_never_exceed_the_budget(cache: Cache, key: str) -> None:
    window, item = cache.limiter(), parse("10/minute")
    answers = await asyncio.gather(*(window.hit(item, "a", key) for _ in range(50)))
    assert sum(answers) == 10


async def test_one_that_answers_passes_its_check(cache: Cache) -> None:
    await cache.check()


@pytest.mark.parametrize("url", ["memcached://x", "", "nonsense"])
def test_an_unknown_adapter_names_the_setting(url: str) -> None:
    with pytest.raises(BadSettings, match="MADANG_CACHE_URL"):
        open_cache(url)
