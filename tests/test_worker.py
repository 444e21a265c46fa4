"""The worker: duties come back after a failure, and all of them end when it stops."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from madang import worker
from madang.backends import Backends, open_backends
from madang.db.session import Database, DatabaseUnavailable, Session
from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.outbox.delivery import Delivery
from madang.outbox.publish import Outbox
from madang.settings import Settings

SOON = 20


class Rang(Event):
    name = "tests.rang.v1"
    number: int


class Away(Database):
    """A database that is away for its first units."""

    failures = 3

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Session]:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable(retry_after=2, seconds=2)
        async with super().unit() as session:
            yield session


class Bell:
    """A handler that tells what it heard."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: asyncio.Queue[int] = asyncio.Queue()
        self.started = asyncio.Event()
        self.hangs = False
        monkeypatch.setattr(worker, "HANDLERS", [*worker.HANDLERS, {Rang: [self.hear]}])
        monkeypatch.setattr(worker, "_RESTART_SECONDS", 0.01)

    async def hear(self, event: Event, _delivery: Delivery) -> None:
        assert isinstance(event, Rang)
        self.started.set()
        if self.hangs:
            await asyncio.Event().wait()
        self.heard.put_nowait(event.number)

    async def next(self) -> int:
        return await asyncio.wait_for(self.heard.get(), SOON)


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Bell:
    return Bell(monkeypatch)


@pytest.fixture
async def opened(settings: Settings) -> AsyncIterator[Backends]:
    async with open_backends(settings) as backends:
        yield backends


async def ring(backends: Backends, number: int) -> None:
    async with backends.database.unit() as session:
        Outbox(session).publish(Rang(number=number), key="bell")


async def test_what_is_published_while_it_runs_is_handled(opened: Backends, bell: Bell) -> None:
    async with worker.working(opened):
        for number in range(3):
            await ring(opened, number)
            assert await bell.next() == number


async def test_what_was_published_before_it_ran_is_handled(opened: Backends, bell: Bell) -> None:
    await ring(opened, 1)
    async with worker.working(opened):
        assert await bell.next() == 1


async def test_a_duty_that_raises_is_logged_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_RESTART_SECONDS", 0)
    enough = asyncio.Event()
    runs = 0

    async def duty() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            enough.set()
        raise RuntimeError("not today")

    with capture_logs() as lines:
        supervised = asyncio.create_task(worker._supervise("a duty", duty))
        await asyncio.wait_for(enough.wait(), SOON)
        supervised.cancel()
        await asyncio.gather(supervised, return_exceptions=True)
    assert {(line["event"], line["duty"], line["log_level"]) for line in lines} == {("duty failed", "a duty", "error")}
    assert supervised.cancelled(), "stopping is no failure"


async def test_a_database_that_comes_back_is_worked_on_again(opened: Backends, bell: Bell, database_url: str) -> None:
    away = Away(database_url)
    await ring(opened, 7)
    async with worker.working(replace(opened, database=away)):
        assert await bell.next() == 7
    assert away.failures == 0
    await away.close()


async def test_leaving_it_ends_every_task_and_gives_back_what_was_not_finished(opened: Backends, bell: Bell) -> None:
    before = asyncio.all_tasks()
    bell.hangs = True
    await ring(opened, 1)
    async with worker.working(opened):
        await asyncio.wait_for(bell.started.wait(), SOON)
    assert asyncio.all_tasks() == before
    bell.hangs = False
    async with worker.working(opened):
        assert await bell.next() == 1, "at once, without waiting for the lease of the one that stopped"


async def test_housekeeping_is_due_at_the_start(opened: Backends, bell: Bell) -> None:
    await ring(opened, 1)
    old = utc_now() - timedelta(days=30)
    moment = old if opened.database.is_postgresql else old.isoformat(sep=" ")
    async with opened.database.unit() as session:
        await session.execute(text("UPDATE outbox_events SET sent_at = :old"), {"old": moment})
    async with worker.working(opened), asyncio.timeout(SOON):
        while await rings(opened.database):  # noqa: ASYNC110 - the database is where it can be seen
            await asyncio.sleep(0.01)
    assert bell.heard.empty()


async def rings(database: Database) -> int:
    async with database.read_unit() as session:
        statement = text("SELECT count(*) FROM outbox_events WHERE name = :name")
        return int((await session.execute(statement, {"name": Rang.name})).scalar_one())


def test_every_handled_fact_has_a_wire_name_of_its_own() -> None:
    kinds = {kind for table in worker.HANDLERS for kind in table}
    names = [kind.name for kind in kinds]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+\.v\d+", name), name
