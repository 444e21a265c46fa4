"""After the grace time nothing of a person is left, in any table or file, and nothing of anybody else is gone (94)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import JSON, LargeBinary, String, Table, text
from tests.factories import SECRET, make_user
from tests.privacy.belongings import dump, fill, owned_tables
from tests.servers import server_process

from madang.backends import Backends
from madang.db.session import Database, Session
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.media.models import storage_key
from madang.outbox.delivery import Delivery
from madang.outbox.events import HousekeepingDue
from madang.outbox.models import OutboxEvent
from madang.privacy.events import ErasureDue
from madang.privacy.handlers import erase, find_due
from madang.settings import Settings

ME = "/api/v1/accounts/me"
LONG_AGO = timedelta(days=31)


async def put_back(session: Session, account_id: str, by: timedelta) -> None:
    """Let the deletion have been that long ago."""
    statement = text("UPDATE accounts SET deleted_at = :then WHERE account_id = :name")
    await session.execute(statement, {"then": utc_now() - by, "name": account_id})


async def wait_until_erased(database: Database, account_id: str, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while True:
            async with database.read_unit() as session:
                left = text("SELECT count(*) FROM accounts WHERE account_id = :name")
                if not (await session.execute(left, {"name": account_id})).scalar_one():
                    return
            await asyncio.sleep(0.05)


async def test_nothing_of_the_person_is_left_and_nothing_of_others_is_gone(
    client: httpx2.AsyncClient, database: Database, backends: Backends, settings: Settings, tmp_path: Path
) -> None:
    leaver, bystander = await make_user(client, "leaver"), await make_user(client, "bystander")
    source = tmp_path / "file"
    for person in (leaver, bystander):
        keys = await fill(database, UUID(person.id), f"mark_{person.account_id}")
        source.write_text(f"mark_{person.account_id}")
        for key in (storage_key(keys["media"]), f"exports/{keys['exports']}"):
            await backends.storage.put(key, source)
    async with database.unit() as session:
        origin = {"ip": "mark_leaver", "actor_id": leaver.id}
        times = dict.fromkeys(("created_at", "due_at", "parked_at"), utc_now())
        session.add(OutboxEvent(id=new_id(), name="old", key="elsewhere", data={}, origin=origin, **times))
    before = await dump(database)
    assert not [table.name for table in owned_tables() if _is_silent(before, table)], "each holds something of theirs"

    assert (await client.delete(ME, headers=leaver.headers)).status_code == 204
    async with database.unit() as session:
        await put_back(session, "leaver", LONG_AGO)
    await find_due(HousekeepingDue(), Delivery(new_id(), utc_now(), backends))
    await wait_until_erased(database, "leaver")

    after = await dump(database)
    assert not [name for name, rows in after.items() if "mark_leaver" in rows]
    files = [path for path in (settings.data_dir / "media").rglob("*") if path.is_file()]
    assert sorted(path.read_text() for path in files) == ["mark_bystander"] * 2
    for table in owned_tables():
        kept = [row for row in before[table.name].splitlines() if "bystander" in row and "mark_" in row]
        assert all(row in after[table.name] for row in kept), table.name
        assert len(after[table.name].splitlines()) > 0
    assert f"UUID('{leaver.id}')" in after["accounts"], "the row stays for those who refer to it"
    assert (await client.get(ME, headers=bystander.headers)).status_code == 200


@pytest.mark.parametrize("restored", [True, False])
async def test_before_the_grace_time_is_over_and_after_a_restoration_nothing_is_erased(
    client: httpx2.AsyncClient, database: Database, backends: Backends, restored: bool
) -> None:
    person = await make_user(client, "leaver")
    await fill(database, UUID(person.id), "mark_leaver")
    assert (await client.delete(ME, headers=person.headers)).status_code == 204
    async with database.unit() as session:
        await put_back(session, "leaver", LONG_AGO if restored else timedelta(days=29))
        if restored:
            await session.execute(text("UPDATE accounts SET deleted_at = NULL"))
    delivery = Delivery(new_id(), utc_now(), backends)
    await find_due(HousekeepingDue(), delivery)
    await erase(ErasureDue(account_id=UUID(person.id)), delivery)
    left = await dump(database)
    ended = {"sign_in_challenges", "mail_proofs"}
    assert {table.name for table in owned_tables() if _is_silent(left, table)} <= ended


async def test_erasing_twice_is_harmless(client: httpx2.AsyncClient, database: Database, backends: Backends) -> None:
    person = await make_user(client, "leaver")
    assert (await client.delete(ME, headers=person.headers)).status_code == 204
    async with database.unit() as session:
        await put_back(session, "leaver", LONG_AGO)
    fact, delivery = ErasureDue(account_id=UUID(person.id)), Delivery(new_id(), utc_now(), backends)
    await asyncio.gather(*(erase(fact, delivery) for _ in range(3)))
    await erase(fact, delivery)
    async with database.read_unit() as session:
        erased = text("SELECT count(*) FROM accounts WHERE erased_at IS NOT NULL")
        assert (await session.execute(erased)).scalar_one() == 1


async def test_a_server_killed_while_it_erases_goes_on_when_it_is_back(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    environment = {"MADANG_DATABASE_URL": database_url, "MADANG_SECRET_KEY": SECRET}
    with server_process(tmp_path, **environment) as server:
        async with httpx2.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client:
            person = await make_user(client, "leaver")
            assert (await client.delete(ME, headers=person.headers)).status_code == 204
        await asyncio.to_thread(server.stop)
        await fill(database, UUID(person.id), "mark")
        await _many_messages(database, 20_000)
        async with database.unit() as session:
            await put_back(session, "leaver", LONG_AGO)
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(60):
            while await _count(database, "messages") > 19_000:  # noqa: ASYNC110 - another process deletes them
                await asyncio.sleep(0.01)
        await asyncio.to_thread(server.kill)
        assert await _count(database, "accounts WHERE erased_at IS NOT NULL") == 0, "it was in the middle"
        async with database.unit() as session:  # its lease would run out in a minute
            await session.execute(text("UPDATE outbox_events SET claimed_until = NULL WHERE sent_at IS NULL"))
        await asyncio.to_thread(server.start)
        await wait_until_erased(database, "leaver", 90)
    left = await dump(database)
    assert not [table.name for table in owned_tables() if left[table.name]]


def _is_silent(rows: dict[str, str], table: Table) -> bool:
    """Whether a table says nothing of the leaver; some have no room for words."""
    own = [column.type for column in table.columns if not column.foreign_keys]
    kinds = [kind for kind in own if (getattr(kind, "length", None) or 99) > len("mark_leave")]
    has_words = table.name != "exports" and any(isinstance(kind, String | JSON | LargeBinary) for kind in kinds)
    return "mark_leaver" not in rows[table.name] if has_words else not rows[table.name]


async def _many_messages(database: Database, count: int) -> None:
    columns = "conversation_id, account_id, parent_id, role, content, status, created_at"
    async with database.unit() as session:
        for number in range(0, count, 5000):
            rows = ",".join(f"('{_id(database)}')" for _ in range(5000))
            await session.execute(
                text(
                    f"INSERT INTO messages (id, {columns}) SELECT new.column1{_cast(database)}, {columns} FROM "
                    f"(VALUES {rows}) AS new, (SELECT {columns} FROM messages ORDER BY id LIMIT 1) AS first"
                )
            )
            assert number < count


def _id(database: Database) -> str:
    return str(new_id()) if database.is_postgresql else new_id().hex


def _cast(database: Database) -> str:
    return "::uuid" if database.is_postgresql else ""


async def _count(database: Database, what: str) -> int:
    async with database.read_unit() as session:
        return int((await session.execute(text(f"SELECT count(*) FROM {what}"))).scalar_one())
