"""RabbitMQ: confirmed means kept, acknowledged means handled, and nothing is lost between."""

import asyncio
import json
from collections.abc import AsyncIterator

import aio_pika
import pytest
from tests.backends.broker.inbox import SOON, Inbox, insist, message
from tests.peers.rabbitmq_server import cut_connections
from tests.servers import free_port

from madang.backends.broker import open_broker, rabbitmq, rabbitmq_topology
from madang.backends.broker.base import Broker, BrokerUnavailable, Message
from madang.backends.broker.cloud_event import NotAnEvent, from_bytes, to_bytes


@pytest.fixture
async def broker(rabbitmq_url: str) -> AsyncIterator[Broker]:
    opened = open_broker(rabbitmq_url)
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbitmq, "_REFUSED_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(rabbitmq, "_RECONNECT_SECONDS", 0.1)


async def test_it_waits_until_somebody_consumes(broker: Broker) -> None:
    sent = message()
    await insist(broker, sent)
    inbox = Inbox()
    await broker.consume(inbox.deliver)
    assert await inbox.take(1) == [sent]


async def test_several_workers_share_the_work_and_none_gets_it_twice(broker: Broker, rabbitmq_url: str) -> None:
    others = [open_broker(rabbitmq_url) for _ in range(2)]
    inbox = Inbox()
    for one in (broker, *others):
        await one.consume(inbox.deliver)
    await asyncio.gather(*(insist(broker, message(number)) for number in range(300)))
    got = await inbox.take(300)
    assert sorted(one.data["number"] for one in got) == list(range(300))
    for one in others:
        await one.close()
    assert inbox.got.empty()


async def test_what_is_refused_for_long_is_kept_and_never_buried(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq_topology, "DELIVERY_LIMIT", 2)
    inbox, grave = Inbox(refusals=50), Inbox()
    await broker.consume(inbox.deliver, grave.deliver)
    sent = message()
    await insist(broker, sent)
    assert await inbox.take(1) == [sent]
    assert grave.got.empty()


async def test_what_ends_its_worker_each_time_is_buried(rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbitmq_topology, "DELIVERY_LIMIT", 2)
    monkeypatch.setattr(rabbitmq, "_FAREWELL_SECONDS", 0.1)
    sent = message()
    for number in range(3):
        dying, begun = open_broker(rabbitmq_url), asyncio.Event()

        async def hang(_one: Message, begun: asyncio.Event = begun) -> None:
            begun.set()
            await asyncio.Event().wait()

        await dying.consume(hang)
        if number == 0:
            await insist(dying, sent)
        await asyncio.wait_for(begun.wait(), SOON)
        await dying.close()
    last, grave = open_broker(rabbitmq_url), Inbox()
    await last.consume(Inbox(refusals=1000).deliver, grave.deliver)
    assert await grave.take(1) == [sent]
    await last.close()


async def test_stopping_finishes_what_is_in_hand(broker: Broker, rabbitmq_url: str) -> None:
    begun, go_on, inbox = asyncio.Event(), asyncio.Event(), Inbox()

    async def slowly(one: Message) -> None:
        begun.set()
        await go_on.wait()
        await inbox.deliver(one)

    await broker.consume(slowly)
    await insist(broker, message())
    await asyncio.wait_for(begun.wait(), SOON)
    stopping = asyncio.create_task(broker.stop())
    await asyncio.sleep(0.1)
    assert not stopping.done()
    go_on.set()
    await asyncio.wait_for(stopping, SOON)
    assert len(await inbox.take(1)) == 1
    await _nothing_left(rabbitmq_url)


async def test_stopping_hands_back_what_takes_too_long(
    broker: Broker, rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq, "_FAREWELL_SECONDS", 0.1)
    begun = asyncio.Event()

    async def never(_one: Message) -> None:
        begun.set()
        await asyncio.Event().wait()

    await broker.consume(never)
    sent = message()
    await insist(broker, sent)
    await asyncio.wait_for(begun.wait(), SOON)
    await asyncio.wait_for(broker.stop(), SOON)
    other, inbox = open_broker(rabbitmq_url), Inbox()
    await other.consume(inbox.deliver)
    assert await inbox.take(1) == [sent]
    await other.close()


async def test_cut_connections_lose_nothing_that_was_confirmed(broker: Broker, rabbitmq_url: str) -> None:
    inbox = Inbox()
    await broker.consume(inbox.deliver)
    confirmed: set[int] = set()

    async def publish(number: int) -> None:
        async with asyncio.timeout(SOON):
            while number not in confirmed:
                try:
                    await broker.publish(message(number))
                except BrokerUnavailable:
                    await asyncio.sleep(0.05)
                else:
                    confirmed.add(number)

    for round_ in range(3):
        sending = [asyncio.create_task(publish(round_ * 100 + number)) for number in range(100)]
        await asyncio.to_thread(cut_connections, rabbitmq_url)
        await asyncio.gather(*sending)
    got: set[int] = set()
    while got != confirmed:
        got.add((await inbox.take(1))[0].data["number"])
    assert len(got) == 300


async def test_on_the_wire_it_is_a_persistent_cloud_event(broker: Broker, rabbitmq_url: str) -> None:
    sent = message(key="the key")
    await insist(broker, sent)
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(rabbitmq_topology.WORK)
        raw = await queue.get(timeout=SOON)
        assert raw is not None
        await raw.ack()
    assert (raw.delivery_mode, raw.content_type) == (2, "application/cloudevents+json")
    assert (raw.exchange, raw.routing_key) == ("madang.events", "tests.noted.v1")
    event = json.loads(raw.body)
    assert (event["specversion"], event["id"], event["type"]) == ("1.0", str(sent.id), sent.name)
    assert (event["subject"], event["source"], event["data"]) == ("the key", "madang", sent.data)
    assert (event["requestid"], event["clientip"]) == ("r", "::1")
    assert all(name.isalnum() and name.islower() for name in event)


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"null", b"{}", b'{"id": 1}', to_bytes(message())[:-9]])
def test_what_is_no_event_says_so(body: bytes) -> None:
    with pytest.raises(NotAnEvent):
        from_bytes(body)


async def test_rubbish_in_the_queue_holds_up_nothing(broker: Broker, rabbitmq_url: str) -> None:
    await broker.check()
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(rabbitmq_topology.EVENTS)
        await exchange.publish(aio_pika.Message(b"rubbish"), routing_key="rubbish")
    inbox = Inbox()
    await broker.consume(inbox.deliver)
    sent = message()
    await insist(broker, sent)
    assert await inbox.take(1) == [sent]


async def test_a_broker_that_is_not_there_raises_and_keeps_nobody_waiting() -> None:
    broker = open_broker(f"amqp://guest:guest@127.0.0.1:{free_port()}/")
    with pytest.raises(BrokerUnavailable):
        await asyncio.wait_for(broker.publish(message()), SOON)
    with pytest.raises(BrokerUnavailable):
        await asyncio.wait_for(broker.check(), SOON)
    await broker.consume(Inbox().deliver)
    await asyncio.wait_for(broker.close(), SOON)


async def _nothing_left(url: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(rabbitmq_topology.WORK)
        assert await queue.get(fail=False) is None
