"""The broker port, whatever the adapter: published means handled or safe."""

from collections.abc import AsyncIterator

import pytest

from madang.backends.broker import open_broker
from madang.backends.broker.base import Broker, Message
from madang.backends.broker.local import NobodyConsumes
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.settings import BadSettings


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    opened = open_broker("local://")
    yield opened
    await opened.close()


def message(number: int = 1) -> Message:
    return Message(new_id(), "tests.noted.v1", "key", utc_now(), {"number": number}, {"request_id": "r"})


async def test_what_is_published_is_delivered_as_it_was(broker: Broker) -> None:
    got: list[Message] = []

    async def deliver(one: Message) -> None:
        got.append(one)

    await broker.consume(deliver)
    sent = [message(number) for number in range(3)]
    for one in sent:
        await broker.publish(one)
    assert got == sent


async def test_publishing_without_a_consumer_is_not_taken_for_safe(broker: Broker) -> None:
    with pytest.raises(NobodyConsumes):
        await broker.publish(message())


async def test_a_handler_that_raises_is_not_taken_for_safe(broker: Broker) -> None:
    async def deliver(_one: Message) -> None:
        raise RuntimeError("not handled")

    await broker.consume(deliver)
    with pytest.raises(RuntimeError, match="not handled"):
        await broker.publish(message())


async def test_a_closed_broker_takes_nothing(broker: Broker) -> None:
    async def deliver(_one: Message) -> None:
        raise AssertionError

    await broker.consume(deliver)
    await broker.close()
    with pytest.raises(NobodyConsumes):
        await broker.publish(message())


@pytest.mark.parametrize("url", ["carrier-pigeon://x", ""])
def test_an_unknown_adapter_names_the_setting(url: str) -> None:
    with pytest.raises(BadSettings, match="MADANG_BROKER_URL"):
        open_broker(url)
