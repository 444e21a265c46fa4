"""Kept answers, whatever the adapter: never older than the last write, and computed once for a crowd."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from tests.backends.cache.test_contract import cache

from madang.backends.cache.base import Cache
from madang.backends.cache.reads import CachedReads

__all__ = ["cache"]  # the fixture
SECONDS = 60


@pytest.fixture
def reads(cache: Cache) -> CachedReads:
    return CachedReads(cache.values())


@pytest.fixture
def tag() -> str:
    return uuid4().hex


def answering(*answers: bytes) -> Callable[[], Awaitable[bytes]]:
    left = list(answers)

    async def compute() -> bytes:
        return left.pop(0)

    return compute


async def test_an_answer_is_kept_until_something_is_written(reads: CachedReads, tag: str) -> None:
    compute = answering(b"first", "둘".encode())
    assert [await reads.get(tag, "이름", SECONDS, compute) for _ in range(2)] == [b"first", b"first"]
    await reads.end(tag)
    assert [await reads.get(tag, "이름", SECONDS, compute) for _ in range(2)] == ["둘".encode(), "둘".encode()]


async def test_a_tag_has_many_names_and_ends_them_all(reads: CachedReads, tag: str) -> None:
    for name in ("a", "b", ""):
        assert await reads.get(tag, name, SECONDS, answering(name.encode())) == name.encode()
    await reads.get(tag + "other", "a", SECONDS, answering(b"kept"))
    await reads.end(tag, "nobody's")
    assert await reads.get(tag, "a", SECONDS, answering(b"new")) == b"new"
    assert await reads.get(tag, "", SECONDS, answering(b"new, too")) == b"new, too"
    assert await reads.get(tag + "other", "a", SECONDS, answering(b"not asked")) == b"kept"


async def test_what_was_read_before_a_commit_is_not_kept_after_it(cache: Cache, reads: CachedReads, tag: str) -> None:
    """Another process, which only shares the cache, commits between the query and the keeping."""
    has_read, may_go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> bytes:
        has_read.set()
        await may_go_on.wait()
        return b"old"

    reader = asyncio.create_task(reads.get(tag, "a", SECONDS, slow))
    await has_read.wait()
    await CachedReads(cache.values()).end(tag)
    newer = reads.get(tag, "a", SECONDS, answering(b"new"))
    assert await newer == b"new"
    may_go_on.set()
    assert await reader == b"old"
    assert await reads.get(tag, "a", SECONDS, answering(b"unused")) == b"new"


async def test_a_crowd_computes_once_and_a_new_generation_joins_no_old_flight(reads: CachedReads, tag: str) -> None:
    computed, has_begun, may_go_on = 0, asyncio.Event(), asyncio.Event()

    async def slow() -> bytes:
        nonlocal computed
        computed += 1
        has_begun.set()
        await may_go_on.wait()
        return str(computed).encode()

    crowd = [asyncio.create_task(reads.get(tag, "a", SECONDS, slow)) for _ in range(100)]
    crowd[0].cancel()
    await has_begun.wait()
    await asyncio.sleep(0.05)
    may_go_on.set()
    answers = await asyncio.gather(*crowd, return_exceptions=True)
    assert computed == 1
    assert answers[1:] == [b"1"] * 99


async def test_what_fails_fails_for_all_who_wait_and_is_not_kept(reads: CachedReads, tag: str) -> None:
    async def fail() -> bytes:
        await asyncio.sleep(0.01)
        raise LookupError

    waiting = [reads.get(tag, "a", SECONDS, fail) for _ in range(3)]
    assert all(isinstance(one, LookupError) for one in await asyncio.gather(*waiting, return_exceptions=True))
    assert await reads.get(tag, "a", SECONDS, answering(b"good")) == b"good"


async def test_an_answer_ends_by_itself(reads: CachedReads, tag: str) -> None:
    compute = answering(b"first", b"second")
    assert await reads.get(tag, "a", 1, compute) == b"first"
    await asyncio.sleep(1.1)
    assert await reads.get(tag, "a", 1, compute) == b"second"


async def test_only_so_many_names_are_kept_under_a_tag(cache: Cache, reads: CachedReads, tag: str) -> None:
    for number in range(300):
        await reads.get(tag, str(number), SECONDS, answering(b"x"))
    assert (await cache.values().read(tag, "10", SECONDS)).value == b"x"
    assert (await cache.values().read(tag, "299", SECONDS)).value is None
