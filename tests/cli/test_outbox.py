"""`madang outbox`: what was given up is seen, and sent again."""

import asyncio
import json

from sqlalchemy import text

from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.outbox.events import HousekeepingDue
from madang.outbox.publish import Outbox
from tests.cli.conftest import Installation


async def park(database: Database, count: int) -> list[str]:
    async with database.unit() as session:
        ids = [Outbox(session).publish(HousekeepingDue(), key=str(number)) for number in range(count)]
    moment = utc_now() if database.is_postgresql else utc_now().isoformat(sep=" ")
    async with database.unit() as session:
        values = {"now": moment, "error": "RuntimeError: the [red]mail\nserver"}
        await session.execute(text("UPDATE outbox_events SET parked_at = :now, attempts = 12, error = :error"), values)
    return [str(one) for one in ids]


async def test_parked_events_are_listed_with_why_and_replayed(migrated: Installation, database: Database) -> None:
    first, second, third = await park(database, 3)
    listed = await asyncio.to_thread(migrated.run, "outbox", "list")
    assert listed.stdout.startswith("0 waiting, 3 parked")
    assert "RuntimeError: the [red]mail server" in listed.stdout
    lines = (await asyncio.to_thread(migrated.run, "outbox", "list", "--json", "--limit", "2")).stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [first, second]
    one = await asyncio.to_thread(migrated.run, "outbox", "replay", first)
    assert (one.returncode, one.stdout) == (0, "1 will be sent again.\n")
    again = await asyncio.to_thread(migrated.run, "outbox", "replay", first, third)
    assert (again.returncode, again.stdout) == (1, "1 will be sent again.\n")
    rest = await asyncio.to_thread(migrated.run, "outbox", "replay", "--all")
    assert rest.stdout == "1 will be sent again.\n"
    async with database.read_unit() as session:
        row = (await session.execute(text("SELECT count(*), max(attempts) FROM outbox_events"))).one()
    assert tuple(row) == (3, 0)
    assert (await asyncio.to_thread(migrated.run, "outbox", "list")).stdout == "3 waiting, 0 parked\n"


def test_which_events_must_be_said(migrated: Installation) -> None:
    assert migrated.run("outbox", "replay").returncode == 2
    assert migrated.run("outbox", "replay", "not-an-id").returncode == 2
