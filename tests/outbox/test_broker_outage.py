"""Row 89: while RabbitMQ is away all that writes succeeds, and when it is back every event arrives, once in effect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest
from sqlalchemy import text

from madang.backends import Backends
from madang.outbox import relay
from madang.settings import Limits, Settings
from tests.factories import PASSWORD, make_user
from tests.peers.gate import Gate, gate
from tests.servers import serving

SOON = 30
ACCOUNTS = "/api/v1/accounts"


class Cut:
    """A server whose way to RabbitMQ can be shut."""

    def __init__(self, client: httpx2.AsyncClient, backends: Backends, way: Gate) -> None:
        self.client, self.backends, self.way = client, backends, way

    async def unsent(self) -> int:
        waiting, parked = await relay.backlog(self.backends.database)
        assert parked == 0
        return waiting

    async def until_all_are_sent(self) -> None:
        async with asyncio.timeout(SOON):
            while await self.unsent():  # noqa: ASYNC110 - the database is where it can be seen
                await asyncio.sleep(0.05)

    async def names(self) -> list[str]:
        async with self.backends.database.read_unit() as session:
            return list((await session.scalars(text("SELECT name FROM outbox_events ORDER BY id"))).all())


@pytest.fixture
async def cut(settings: Settings, rabbitmq_url: str) -> AsyncIterator[Cut]:
    async with AsyncExitStack() as stack:
        way = await stack.enter_async_context(gate("127.0.0.1", 5672))
        url = rabbitmq_url.replace(":5672", f":{way.port}")
        running = serving(settings.model_copy(update={"broker_url": url, "limits": Limits(sign_up="1000/hour")}))
        address, app = await stack.enter_async_context(running)
        client = await stack.enter_async_context(httpx2.AsyncClient(base_url=address, timeout=60))
        made = Cut(client, app.state.running.backends, way)
        await make_user(client)
        await made.until_all_are_sent()
        yield made


async def test_with_the_broker_away_sign_up_and_leaving_succeed_and_their_events_arrive(cut: Cut) -> None:
    await cut.way.shut()
    before = len(await cut.names())
    person = await make_user(cut.client)
    again = await cut.client.post(ACCOUNTS, json={"account_id": person.account_id, "password": PASSWORD})
    assert again.status_code == 409
    left = await cut.client.delete(f"{ACCOUNTS}/me", headers=person.headers)
    assert left.is_success, left.text
    await asyncio.sleep(2.5)
    assert await cut.unsent() > 0
    await cut.way.open()
    await cut.until_all_are_sent()
    names = (await cut.names())[before:]
    assert names.count("accounts.account_registered.v1") == 1, "none of the transaction that was rolled back"
    assert names.count("accounts.account_deleted.v1") == 1


async def test_an_outage_uses_up_no_tries(cut: Cut) -> None:
    await cut.way.shut()
    await make_user(cut.client)
    await asyncio.sleep(3.5)
    async with cut.backends.database.read_unit() as session:
        tries = (await session.scalars(text("SELECT attempts FROM outbox_events WHERE sent_at IS NULL"))).all()
    assert tries
    assert max(tries) <= 1
    await cut.way.open()
    await cut.until_all_are_sent()


async def test_a_way_that_is_cut_again_and_again_loses_nothing(cut: Cut) -> None:
    people = []
    for _ in range(4):
        people += [await make_user(cut.client) for _ in range(3)]
        await cut.way.shut()
        people += [await make_user(cut.client) for _ in range(3)]
        await cut.way.open()
    await cut.until_all_are_sent()
    assert (await cut.names()).count("accounts.account_registered.v1") == 1 + len(people)
