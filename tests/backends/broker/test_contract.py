"""What every broker promises: a publication that returns is safe, and what is not safe raises."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.backends.broker.inbox import SOON, Inbox, insist, message
from tests.peers.rabbitmq_server import rabbitmq_host

from madang.backends.broker import open_broker, rabbitmq
from madang.backends.broker.base import Broker


@pytest.fixture(params=["local", "rabbitmq"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "local":
        yield "local://"
        return
    with rabbitmq_host() as host:
        yield host


@pytest.fixture
async def broker(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Broker]:
    monkeypatch.setattr(rabbitmq, "_REFUSED_PAUSE_SECONDS", 0.01)
    opened = open_broker(url)
    yield opened
    await opened.close()


async def test_what_is_published_is_delivered_as_it_was(broker: Broker) -> None:
    inbox = Inbox()
    await broker.consume(inbox.deliver)
    sent = [message(number) for number in range(100)]
    await asyncio.gather(*(insist(broker, one) for one in sent))
    assert sorted(await inbox.take(100), key=lambda one: one.id) == sent
    assert inbox.got.empty()


async def test_with_nobody_to_take_it_a_message_is_refused_or_kept(broker: Broker) -> None:
    sent, inbox = message(), Inbox()
    publishing = asyncio.create_task(insist(broker, sent))
    await asyncio.wait({publishing}, timeout=1)
    await broker.consume(inbox.deliver)
    assert await inbox.take(1) == [sent]
    await publishing


async def test_what_a_handler_refuses_comes_again_or_raises(broker: Broker) -> None:
    inbox = Inbox(refusals=3)
    await broker.consume(inbox.deliver)
    sent = message()
    await insist(broker, sent)
    assert await inbox.take(1) == [sent]
    assert inbox.refusals == 0


async def test_after_stopping_nothing_is_delivered(broker: Broker) -> None:
    before, after = Inbox(), Inbox()
    await broker.consume(before.deliver)
    await broker.stop()
    sent = message()
    publishing = asyncio.create_task(insist(broker, sent))
    await asyncio.wait({publishing}, timeout=0.5)
    assert before.got.empty()
    await broker.consume(after.deliver)
    assert await after.take(1) == [sent]
    await publishing
    assert before.got.empty()


async def test_it_is_looked_at_without_a_consumer_and_closed_twice(broker: Broker) -> None:
    inbox = Inbox()
    async with asyncio.timeout(SOON):
        await broker.check()
        await broker.consume(inbox.deliver)
        await broker.close()
        await broker.close()
    assert inbox.got.empty()
