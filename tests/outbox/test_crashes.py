"""At least once: whatever dies between commit, handling and marking, the event comes again."""

import asyncio
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from madang.backends.broker.base import Message
from madang.db.session import Database
from madang.outbox.relay import LEASE, MAX_ATTEMPTS, Relay, backlog
from madang.outbox.repository import OutboxRepository
from tests.outbox.conftest import Post, within_reason

DIES_BEFORE_MARKING = """
import asyncio, os, pathlib, signal, sys
from madang.db.session import Database
from madang.outbox.relay import Relay

class Broker:
    is_remote = False

    async def publish(self, message):
        pathlib.Path(sys.argv[2]).write_text(str(message.data["number"]))
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(Relay(Database(sys.argv[1]), Broker()).drain_once())
"""


async def test_kill_between_handling_and_marking_delivers_again(post: Post, database_url: str, tmp_path: Path) -> None:
    await post.publish(1)
    handled = tmp_path / "handled"
    command = [sys.executable, "-c", DIES_BEFORE_MARKING, database_url, str(handled)]
    died = await asyncio.to_thread(subprocess.run, command, timeout=60, check=False)
    assert died.returncode == -9
    assert handled.read_text() == "1"
    await post.drain()
    assert post.delivered == [], "the dead process's lease still runs"
    post.clock.advance(seconds=LEASE.total_seconds() + 30)
    await post.drain()
    assert post.delivered == [1]


async def test_an_event_that_kills_its_process_is_parked_in_the_end(post: Post) -> None:
    await post.publish(1, 2)
    for _ in range(MAX_ATTEMPTS):
        async with post.database.unit() as session:
            now = post.clock()
            claimed = await OutboxRepository(session).claim(now, now + LEASE, 50)
        assert [event.data["number"] for event in claimed] == [1], "claimed, and the process dies"
        post.clock.advance(seconds=LEASE.total_seconds() + 1)
    await post.drain()
    assert post.tries[1] == 0
    assert post.delivered == [2]
    assert await backlog(post.database) == (0, 1)


async def test_a_broker_that_raises_after_delivering_delivers_again(post: Post) -> None:
    class Unsure:
        is_remote = False

        lost = True

        async def publish(self, message: Message) -> None:
            await post.handle(message)
            if self.lost:
                self.lost = False
                raise ConnectionError("no confirmation came")

    relay = Relay(post.database, Unsure(), post.clock)  # type: ignore[arg-type]  # a relay only publishes
    await post.publish(1)
    await relay.drain_once()
    post.clock.advance(seconds=2)
    await relay.drain_once()
    assert post.delivered == [1, 1]
    assert await relay.drain_once() == 0


async def test_a_lease_is_held_until_it_ends_and_then_claimed_anew(post: Post) -> None:
    await post.publish(1)

    async def claim() -> int:
        async with post.database.unit() as session:
            return len(await OutboxRepository(session).claim(post.clock(), post.clock() + LEASE, 50))

    assert [await claim(), await claim()] == [1, 0]
    post.clock.advance(seconds=LEASE.total_seconds() - 1)
    assert await claim() == 0
    post.clock.advance(seconds=2)
    assert [await claim(), await claim()] == [1, 0]


@pytest.mark.parametrize("outcome", ["fails", "parks", "gives back"])
async def test_a_relay_that_comes_back_late_undoes_nothing(post: Post, outcome: str) -> None:
    [event_id] = await post.publish(1)

    async def claim() -> int:
        async with post.database.unit() as session:
            [event] = await OutboxRepository(session).claim(post.clock(), post.clock() + LEASE, 50)
            return event.attempts

    stale = await claim()
    post.clock.advance(seconds=LEASE.total_seconds() + 1)
    await claim()
    async with post.database.unit() as session:
        late = OutboxRepository(session)
        match outcome:
            case "fails":
                await late.postpone(event_id, stale, post.clock(), "late")
            case "parks":
                await late.park(event_id, stale, post.clock(), "late")
            case _:
                await late.release(event_id, stale)
    [after] = await post.rows("claimed_until, parked_at, error")
    assert after.claimed_until is not None
    assert (after.parked_at, after.error) == (None, None)


async def test_of_many_relays_each_event_is_handled_by_one_at_a_time(post: Post, database_url: str) -> None:
    for number in range(60):
        await post.publish(number, key=f"key {number % 20}")
    busy: Counter[str] = Counter()
    order: dict[str, list[int]] = {}

    async def handle(message: Message) -> None:
        busy[message.key] += 1
        assert busy[message.key] == 1, "two at a time within one key"
        await asyncio.sleep(0)
        order.setdefault(message.key, []).append(message.data["number"])
        busy[message.key] -= 1

    await post.broker.consume(handle)
    others = [Database(database_url) for _ in range(3)]

    async def drain(database: Database) -> None:
        relay = Relay(database, post.broker, post.clock)
        while (await backlog(database))[0]:
            await relay.drain_once()

    await asyncio.wait_for(asyncio.gather(*(drain(one) for one in [post.database, *others])), 60)
    for other in others:
        await other.close()
    assert order == {f"key {key}": [key, key + 20, key + 40] for key in range(20)}
    assert {row.attempts for row in await post.rows("attempts")} == {1}


async def test_stopping_gives_back_what_was_not_finished(post: Post) -> None:
    started = asyncio.Event()

    async def hang(_message: Message) -> None:
        started.set()
        await asyncio.Event().wait()

    await post.broker.consume(hang)
    await post.publish(1)
    running = asyncio.create_task(post.relay().run())
    await within_reason(started.wait())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await post.broker.consume(post.handle)
    await post.drain()
    assert post.delivered == [1], "the next process need not wait for the lease to end"


async def test_sweeping_keeps_what_waits_is_parked_or_is_recent(post: Post) -> None:
    await post.publish(1, 2, 3, 4, 5)
    now = post.clock()
    states = [("sent_at", timedelta(days=8)), ("sent_at", timedelta(days=6)), ("parked_at", timedelta(days=30))]
    ids = [row.id for row in await post.rows("id")]
    async with post.database.unit() as session:
        for event_id, (column, age) in zip(ids, states, strict=False):
            moment = (now - age).isoformat(sep=" ") if isinstance(event_id, str) else now - age
            statement = text(f"UPDATE outbox_events SET {column} = :moment WHERE id = :id")
            await session.execute(statement, {"moment": moment, "id": event_id})
    async with post.database.unit() as session:
        assert await OutboxRepository(session).delete_sent(now - timedelta(days=7), 1000) == 1
    assert [row.id for row in await post.rows("id")] == ids[1:]


async def test_sweeping_goes_in_batches(post: Post) -> None:
    await post.publish(*range(5))
    await post.drain()
    for expected in (2, 2, 1, 0):
        async with post.database.unit() as session:
            assert await OutboxRepository(session).delete_sent(post.clock() + timedelta(days=1), 2) == expected
