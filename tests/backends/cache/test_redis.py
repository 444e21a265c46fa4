"""Redis shared by several processes, and Redis that is killed, paused and not there."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
import structlog
from limits import parse
from structlog.testing import capture_logs
from tests.backends.cache.test_contract import SOON, take
from tests.peers.redis_server import RedisServer, redis_server
from tests.servers import free_port

from madang.backends.cache import open_cache
from madang.backends.cache.base import Cache, CacheUnavailable
from madang.backends.cache.reads import CachedReads
from madang.settings import BadSettings

ITEM = parse("10/minute")


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """One that may be killed."""
    with redis_server() as server:
        yield server


@pytest.fixture
async def pair(redis: RedisServer) -> AsyncIterator[tuple[Cache, Cache]]:
    """Two servers' caches."""
    first, second = open_cache(redis.url), open_cache(redis.url)
    yield first, second
    await first.close()
    await second.close()


async def test_two_servers_count_one_budget(pair: tuple[Cache, Cache]) -> None:
    hits = [cache.limiter().hit(ITEM, "a", "k") for cache in pair for _ in range(25)]
    assert sum(await asyncio.gather(*hits)) == 10


async def test_what_one_server_says_the_other_hears_and_once(pair: tuple[Cache, Cache]) -> None:
    first, second = pair
    async with first.subscribe("c") as here, second.subscribe("c") as there:
        for number in range(100):
            await first.publish("c", f"{number} 한글 \0 {'x' * number}")
        heard = await take(here, 100)
        assert heard == await take(there, 100)
        assert [int(text.split()[0]) for text in heard] == list(range(100))


async def test_two_hundred_readers_share_one_connection(redis: RedisServer, pair: tuple[Cache, Cache]) -> None:
    async def read(channel: str) -> list[str]:
        async with pair[0].subscribe(channel) as messages:
            entered.release()
            return await take(messages, 1)

    entered = asyncio.Semaphore(0)
    readers = [asyncio.create_task(read(f"c{number % 50}")) for number in range(200)]
    for _ in readers:
        await asyncio.wait_for(entered.acquire(), SOON)
    for number in range(50):
        await pair[1].publish(f"c{number}", f"m{number}")
    assert [await reader for reader in readers] == [[f"m{number % 50}"] for number in range(200)]


async def test_killed_redis_costs_neither_limits_nor_local_readers(
    redis: RedisServer, pair: tuple[Cache, Cache]
) -> None:
    first, second = pair
    async with first.subscribe("c") as messages:
        redis.kill()
        window = first.limiter()
        assert [await window.hit(ITEM, "a", "k") for _ in range(12)] == [True] * 10 + [False] * 2
        assert (await window.get_window_stats(ITEM, "a", "k")).remaining == 0
        await first.publish("c", "here all the same")
        assert await take(messages, 1) == ["here all the same"]
        with pytest.raises(CacheUnavailable):
            await first.check()
        redis.start()
        await _until_heard(second, messages)
        assert await second.limiter().hit(ITEM, "a", "k")


async def test_paused_redis_holds_up_one_call_a_second_and_no_more(
    redis: RedisServer, pair: tuple[Cache, Cache]
) -> None:
    first, second = pair
    async with first.subscribe("c") as messages:
        redis.hold()
        started = time.monotonic()
        assert await first.limiter().hit(ITEM, "a", "k")
        for number in range(1000):
            await first.publish("c", str(number))
            await first.limiter().hit(ITEM, "b", str(number))
        assert time.monotonic() - started < SOON
        assert await take(messages, 1) == ["0"]
        redis.go_on()
        await _until_heard(second, messages)


async def test_what_is_written_while_redis_hangs_is_ended_by_the_first_call_after(
    redis: RedisServer, pair: tuple[Cache, Cache]
) -> None:
    first, second = (CachedReads(cache.values()) for cache in pair)

    async def old() -> bytes:
        return b"old"

    async def new() -> bytes:
        return b"new"

    assert await second.get("t", "a", 60, old) == b"old"
    redis.hold()
    await first.end("t")
    assert await first.get("t", "a", 60, new) == b"new", "computed, since nothing can be looked up"
    redis.go_on()
    async with asyncio.timeout(SOON):
        while await second.get("t", "a", 60, new) != b"new":
            await first.get("another", "a", 60, new)
            await asyncio.sleep(0.05)


async def test_an_outage_is_told_once_and_its_end_too(redis: RedisServer) -> None:
    cache = open_cache(redis.url)
    structlog.reset_defaults()
    with capture_logs() as logs:
        redis.kill()
        for number in range(500):
            await cache.limiter().hit(ITEM, "a", str(number))
            await cache.publish("c", "m")
        redis.start()
        async with asyncio.timeout(SOON):
            while not any("again" in one["event"] for one in logs):
                await cache.publish("c", "m")
                await asyncio.sleep(0.05)
    await cache.close()
    told = [one["event"] for one in logs if one["log_level"] != "debug"]
    assert told == ["the cache does not answer; going on without it", "the cache answers again"]


async def test_a_subscription_made_while_redis_is_away_hears_it_when_it_is_back(redis: RedisServer) -> None:
    redis.kill()
    first, second = open_cache(redis.url), open_cache(redis.url)
    async with first.subscribe("c") as messages:
        redis.start()
        await _until_heard(second, messages)
        await second.publish("c", "and goes on hearing it")
        assert (await take(messages, 1))[0]
    await first.close()
    await second.close()


async def test_nothing_there_is_said_by_the_check_and_by_nothing_else() -> None:
    cache = open_cache(f"redis://127.0.0.1:{free_port()}/0")
    assert await cache.limiter().hit(ITEM, "a", uuid4().hex)
    await cache.publish("c", "m")
    with pytest.raises(CacheUnavailable):
        await cache.check()
    await cache.close()


@pytest.mark.parametrize("url", ["redis://host:port/0", "redis://127.0.0.1:99999"])
def test_a_url_that_can_not_be_read_names_the_setting(url: str) -> None:
    with pytest.raises(BadSettings, match="MADANG_CACHE_URL"):
        open_cache(url)


async def _until_heard(speaker: Cache, messages: AsyncIterator[str]) -> None:
    """Until a message from another server comes through."""

    async def listen() -> None:
        async for message in messages:
            if message == mark:
                return

    mark = uuid4().hex
    listening = asyncio.create_task(listen())
    async with asyncio.timeout(2 * SOON):
        while not listening.done():
            await speaker.publish("c", mark)
            await asyncio.wait([listening], timeout=0.1)
