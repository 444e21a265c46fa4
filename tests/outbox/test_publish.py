"""Publishing: with the change or not at all; the origin travels along; `seen` holds once."""

import asyncio
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

from madang.accounts.errors import EmailTaken
from madang.backends.broker.base import Message
from madang.db.session import Database
from madang.kit.ids import new_id
from madang.kit.origin import Origin, current_origin, set_origin
from madang.outbox.delivery import Delivery, Dispatcher, seen
from madang.outbox.publish import Outbox, relays
from madang.worker import HANDLERS
from tests.factories import make_user
from tests.outbox.conftest import Noted, Post, within_reason


class Marked(EmailTaken):
    """A refusal that leaves a mark; without a code of its own it stays out of the catalogue."""

    commit = True


async def publish_and_raise(post: Post, error: Exception) -> None:
    async with post.database.unit() as session:
        Outbox(session, post.clock).publish(Noted(number=1), key="k")
        await session.flush()
        raise error


@pytest.fixture
def woken() -> asyncio.Event:
    return relays.listener()


@pytest.mark.parametrize("error", [RuntimeError(), EmailTaken()])
async def test_what_rolls_back_publishes_nothing_and_wakes_nobody(
    post: Post, woken: asyncio.Event, error: Exception
) -> None:
    with pytest.raises(type(error)):
        await publish_and_raise(post, error)
    assert not woken.is_set()
    assert await post.rows() == []
    await post.drain()
    assert post.delivered == []


async def test_a_refusal_that_commits_publishes_its_facts(post: Post, woken: asyncio.Event) -> None:
    with pytest.raises(Marked):
        await publish_and_raise(post, Marked())
    assert woken.is_set()
    await post.drain()
    assert post.delivered == [1]


async def test_a_commit_wakes_the_relay_and_not_before(post: Post, woken: asyncio.Event) -> None:
    async with post.database.unit() as session:
        Outbox(session, post.clock).publish(Noted(number=1), key="k")
        await session.flush()
        assert not woken.is_set()
    assert woken.is_set()


async def test_the_origin_reaches_the_handler(post: Post) -> None:
    actor = new_id()
    got: list[tuple[Origin, UUID]] = []

    async def handle(_event: object, delivery: Delivery) -> None:
        got.append((current_origin(), delivery.event_id))

    dispatcher = Dispatcher(None, [{Noted: [handle]}])  # type: ignore[arg-type]  # this handler asks for no back end
    await post.broker.consume(dispatcher.deliver)
    set_origin(Origin("request-1", "203.0.113.7", "curl/8", actor))
    [event_id] = await post.publish(1)
    set_origin(Origin("somebody-else", None, None, None))
    await post.drain()
    assert got == [(Origin("request-1", "203.0.113.7", "curl/8", actor), event_id)]
    assert current_origin().request_id == "somebody-else", "a handler's origin stays its own"


async def test_a_request_is_the_origin_of_its_events(client: httpx2.AsyncClient, database: Database) -> None:
    person = await make_user(client)
    async with database.read_unit() as session:
        statement = text("SELECT origin FROM outbox_events WHERE name = 'accounts.account_registered.v1'")
        stored = str((await session.execute(statement)).scalar_one())
    assert "127.0.0.1" in stored
    assert "request_id" in stored
    assert person.account_id not in stored


async def test_every_handler_of_a_fact_runs_and_one_that_raises_brings_it_back(post: Post) -> None:
    ran: list[str] = []

    async def first(_event: object, _delivery: Delivery) -> None:
        ran.append("first")

    async def second(_event: object, _delivery: Delivery) -> None:
        ran.append("second")
        if len(ran) == 2:
            raise RuntimeError

    dispatcher = Dispatcher(None, [{Noted: [first]}, {Noted: [second]}])  # type: ignore[arg-type]
    await post.broker.consume(dispatcher.deliver)
    await post.publish(1)
    await post.drain()
    post.clock.advance(minutes=1)
    await post.drain()
    assert ran == ["first", "second", "first", "second"]


async def test_an_unknown_event_is_handled_by_nobody_once(post: Post) -> None:
    await post.broker.consume(Dispatcher(None, HANDLERS).deliver)  # type: ignore[arg-type]
    await post.publish(1)
    await post.drain()
    post.clock.advance(days=1)
    assert await post.relay().drain_once() == 0
    assert [row.attempts for row in await post.rows("attempts")] == [1]


async def test_a_known_event_with_data_of_another_release_is_retried_not_lost(post: Post) -> None:
    async def never(_event: object, _delivery: Delivery) -> None:
        raise AssertionError

    dispatcher = Dispatcher(None, [{Noted: [never]}])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="number"):
        await dispatcher.deliver(Message(new_id(), Noted.name, "k", post.clock(), {"numeral": 1}, {}))


async def test_seen_is_false_once_for_each_handler(database: Database) -> None:
    event_id = new_id()

    async def ask(handler: str) -> bool:
        async with database.unit() as session:
            return await seen(session, event_id, handler)

    answers = await within_reason(asyncio.gather(*(ask("mail") for _ in range(10))))
    assert sorted(answers) == [False] + [True] * 9
    assert await ask("another") is False


async def test_seen_forgets_what_rolls_back(database: Database) -> None:
    event_id = new_id()

    async def fail() -> None:
        async with database.unit() as session:
            assert await seen(session, event_id, "mail") is False
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.unit() as session:
        assert await seen(session, event_id, "mail") is False
