"""The embedded broker, where published means handled, and what its URL says."""

from collections.abc import AsyncIterator

import pytest
from tests.backends.broker.inbox import message

from madang.backends.broker import open_broker
from madang.backends.broker.base import Broker, Message
from madang.backends.broker.local import NobodyConsumes
from madang.settings import BadSettings


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    opened = open_broker("local://")
    yield opened
    await opened.close()


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
