"""The relay: order, parallel keys, backing off, parking."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from madang.backends.broker.base import Message
from madang.outbox import relay as relay_module
from madang.outbox.relay import MAX_ATTEMPTS, backlog, backoff
from tests.outbox.conftest import Post, within_reason


async def test_one_key_keeps_its_order(post: Post) -> None:
    await post.publish(1, 2, 3)
    await post.publish(4)
    await post.publish(5)
    assert await post.relay().drain_once() == 1, "of a key only the oldest goes out"
    await post.drain()
    assert post.delivered == [1, 2, 3, 4, 5]
    assert await backlog(post.database) == (0, 0)


async def test_keys_go_out_in_parallel(post: Post) -> None:
    together = asyncio.Barrier(3)

    async def handle(message: Message) -> None:
        await within_reason(together.wait())
        await post.handle(message)

    await post.broker.consume(handle)
    for number in range(3):
        await post.publish(number, key=f"key {number}")
    await post.drain()
    assert sorted(post.delivered) == [0, 1, 2]
    assert set(post.tries.values()) == {1}


async def test_a_slow_handler_holds_up_its_own_key_alone(post: Post) -> None:
    free, slow_started = asyncio.Event(), asyncio.Event()
    quick = asyncio.Queue[int]()

    async def handle(message: Message) -> None:
        if message.key == "slow":
            slow_started.set()
            await free.wait()
        await post.handle(message)
        quick.put_nowait(message.data["number"])

    await post.broker.consume(handle)
    await post.publish(1, 2, key="slow")
    running = asyncio.create_task(post.relay().run())
    await within_reason(slow_started.wait())
    for number in (10, 11, 12):
        await post.publish(number, key="quick")
        assert await within_reason(quick.get()) == number
    assert post.delivered == [10, 11, 12]
    free.set()
    assert [await within_reason(quick.get()) for _ in range(2)] == [1, 2]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_failure_comes_back_later_and_its_key_waits(post: Post) -> None:
    post.refuse = {1}
    await post.publish(1, 2, key="a")
    await post.publish(3, key="b")
    with capture_logs() as lines:
        await post.drain()
    assert post.delivered == [3]
    assert post.tries == {1: 1, 3: 1}
    assert [line["name"] for line in lines if line["log_level"] == "warning"] == ["tests.noted.v1"]
    [failed, *_] = await post.rows("error, attempts, claimed_until")
    assert (failed.error, failed.attempts, failed.claimed_until) == ("RuntimeError: 1 can't be handled", 1, None)
    post.clock.advance(seconds=0.4)
    await post.drain()
    assert post.tries[1] == 1, "half a second is the least"
    post.refuse.clear()
    post.clock.advance(seconds=1)
    await post.drain()
    assert post.delivered == [3, 1, 2]


async def test_after_the_last_attempt_it_is_parked_and_its_key_goes_on(post: Post) -> None:
    post.refuse = {1}
    await post.publish(1, 2)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert post.delivered == []
        await post.drain()
        assert post.tries[1] == attempt
        post.clock.advance(minutes=11)
    await post.drain()
    assert post.delivered == [2]
    assert post.tries[1] == MAX_ATTEMPTS
    assert await backlog(post.database) == (0, 1)
    post.clock.advance(days=30)
    assert await post.relay().drain_once() == 0


def test_backing_off_grows_and_ends_at_ten_minutes() -> None:
    for attempts in range(1, 40):
        ceiling = min(600.0, 2.0 ** (attempts - 1))
        waits = [backoff(attempts).total_seconds() for _ in range(50)]
        assert ceiling / 2 <= min(waits) <= max(waits) <= ceiling
        assert len(set(waits)) > 1, "the jitter keeps a crowd apart"


async def test_a_handler_that_hangs_is_given_up(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "LEASE", timedelta(seconds=0.2))

    async def hang(_message: Message) -> None:
        await asyncio.Event().wait()

    await post.broker.consume(hang)
    await post.publish(1)
    assert await within_reason(post.relay().drain_once()) == 1
    [row] = await post.rows("error, sent_at")
    assert row.error.startswith("TimeoutError")
    assert row.sent_at is None


async def test_without_a_consumer_nothing_is_lost(post: Post) -> None:
    await post.broker.close()
    await post.publish(1)
    await post.drain()
    await post.broker.consume(post.handle)
    post.clock.advance(minutes=1)
    await post.drain()
    assert post.delivered == [1]


async def test_a_batch_is_bounded_and_everything_goes_out_once(post: Post) -> None:
    for number in range(120):
        await post.publish(number, key=f"key {number}")
    assert await post.relay().drain_once() == 50
    await post.drain()
    assert sorted(post.delivered) == list(range(120))
    assert set(post.tries.values()) == {1}


async def test_a_published_event_wakes_a_running_relay(post: Post) -> None:
    handled = asyncio.Event()

    async def handle(message: Message) -> None:
        await post.handle(message)
        handled.set()

    await post.broker.consume(handle)
    running = asyncio.create_task(post.relay().run())
    for number in range(3):
        handled.clear()
        await post.publish(number)
        await within_reason(handled.wait())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert post.delivered == [0, 1, 2]
