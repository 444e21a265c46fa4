"""Between a broker that is a server of its own and the handlers: refusals go back to the outbox."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import text

from madang.backends.broker.base import Message
from madang.backends.broker.local import LocalBroker
from madang.outbox import relay as relays
from madang.outbox.delivery import Consumer
from madang.outbox.relay import MAX_ATTEMPTS, Relay, backlog
from tests.outbox.conftest import Post


@dataclass
class Mailbag(LocalBroker):
    """A broker that takes messages as a server does: safe now, handled later."""

    is_remote = True
    taken: list[Message] = field(default_factory=list)

    async def publish(self, message: Message) -> None:
        self.taken.append(message)


@pytest.fixture
def bag(post: Post) -> Mailbag:
    return Mailbag()


def consumer(post: Post) -> Consumer:
    return Consumer(post.database, post.handle)


async def test_what_a_handler_refuses_is_sent_again_later(post: Post, bag: Mailbag) -> None:
    relay = Relay(post.database, bag, post.clock)
    await post.publish(1)
    post.refuse = {1}
    assert await relay.drain_once() == 1
    await consumer(post).deliver(bag.taken.pop())
    [row] = await post.rows()
    assert (row.sent_at, row.parked_at, row.attempts) == (None, None, 1)
    assert "1 can't be handled" in row.error
    post.refuse.clear()
    post.clock.advance(minutes=1)
    assert await relay.drain_once() == 1
    await consumer(post).deliver(bag.taken.pop())
    assert post.delivered == [1]
    [row] = await post.rows()
    assert row.sent_at is not None


async def test_a_refusal_that_is_quicker_than_the_mark_is_not_marked_sent(post: Post, bag: Mailbag) -> None:
    relay = Relay(post.database, bag, post.clock)
    await post.publish(1)
    post.refuse = {1}
    [event] = await relay._exchange(1)
    await relay._send(event)
    await consumer(post).deliver(bag.taken.pop())
    await relay._exchange(0)
    [row] = await post.rows()
    assert row.sent_at is None
    assert await backlog(post.database) == (1, 0)


async def test_after_the_last_try_it_is_parked(post: Post, bag: Mailbag) -> None:
    relay = Relay(post.database, bag, post.clock)
    await post.publish(1)
    post.refuse = {1}
    for _ in range(MAX_ATTEMPTS):
        post.clock.advance(hours=1)
        assert await relay.drain_once() == 1
        await consumer(post).deliver(bag.taken.pop())
    post.clock.advance(hours=1)
    assert await relay.drain_once() == 0
    assert await backlog(post.database) == (0, 1)


async def test_what_ended_its_worker_each_time_is_parked_at_once(post: Post, bag: Mailbag) -> None:
    relay = Relay(post.database, bag, post.clock)
    await post.publish(1)
    await relay.drain_once()
    await consumer(post).bury(bag.taken.pop())
    assert await backlog(post.database) == (0, 1)


async def test_an_event_whose_row_was_swept_is_not_lost(post: Post, bag: Mailbag) -> None:
    relay = Relay(post.database, bag, post.clock)
    await post.publish(1)
    await relay.drain_once()
    async with post.database.unit() as session:
        await session.execute(text("DELETE FROM outbox_events"))
    post.refuse = {1}
    message = replace(bag.taken.pop(), origin={"request_id": "r"})
    await consumer(post).deliver(message)
    [row] = await post.rows()
    assert (row.key, row.sent_at) == (message.key, None)


async def test_two_refusals_at_once_leave_one_row(post: Post, bag: Mailbag) -> None:
    relay = Relay(post.database, bag, post.clock)
    await post.publish(1)
    await relay.drain_once()
    post.refuse = {1}
    await asyncio.gather(*(relays.hand_back(post.database, bag.taken[0], RuntimeError("no")) for _ in range(5)))
    assert await backlog(post.database) == (1, 0)
