"""What each engine promises: readers beside a writer, a bounded pool, times in UTC."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from madang.accounts.models import Account
from madang.db import engine
from madang.db.engine import Pooling
from madang.db.session import Database, DatabaseUnavailable, advisory_lock
from madang.kit.ids import new_id

SOON = 10


def account(created_at: datetime) -> Account:
    return Account(id=new_id(), account_id="someone", account_key="someone", created_at=created_at)


@pytest.fixture
def only_sqlite(database: Database) -> None:
    if database.is_postgresql:
        pytest.skip("about SQLite")


async def count(database: Database) -> int:
    async with database.read_unit() as session:
        return int((await session.execute(text("SELECT count(*) FROM accounts"))).scalar_one())


class Writer:
    """A unit that has written and does not end until it is told to."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.wrote, self.may_end = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        async with self.database.unit() as session:
            session.add(account(datetime.now(UTC)))
            await session.flush()
            self.wrote.set()
            await self.may_end.wait()

    async def end(self) -> None:
        self.may_end.set()
        await asyncio.wait_for(self.task, SOON)


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Writer]:
    made = Writer(database)
    await asyncio.wait_for(made.wrote.wait(), SOON)
    yield made
    await made.end()


async def test_readers_neither_wait_for_a_writer_nor_see_it_half_done(database: Database, writer: Writer) -> None:
    answers = await asyncio.wait_for(asyncio.gather(*(count(database) for _ in range(8))), SOON)
    assert answers == [0] * 8
    await writer.end()
    assert await count(database) == 1


@pytest.mark.usefixtures("only_sqlite")
async def test_a_reading_unit_can_not_write_on_sqlite(database: Database) -> None:
    async with database.read_unit() as session:
        with pytest.raises(OperationalError, match="readonly"):
            await session.execute(text("DELETE FROM accounts"))


@pytest.mark.usefixtures("only_sqlite")
async def test_a_reading_unit_sees_one_snapshot_on_sqlite(database: Database) -> None:
    async with database.read_unit() as session:
        before = (await session.execute(text("SELECT count(*) FROM accounts"))).scalar_one()
        writing = asyncio.get_running_loop().run_in_executor(None, _insert_directly, database.engine.url.database)
        await writing
        assert (await session.execute(text("SELECT count(*) FROM accounts"))).scalar_one() == before
    assert await count(database) == before + 1


def _insert_directly(path: str | None) -> None:
    synchronous = create_engine(f"sqlite:///{path}")
    with synchronous.begin() as connection:
        connection.execute(
            Account.__table__.insert().values(  # type: ignore[attr-defined]  # a table, as every mapped class has
                id=new_id(),
                account_id="x",
                account_key="x",
                role="Member",
                is_active=True,
                auth_provider="local",
                created_at=datetime.now(UTC),
            )
        )
    synchronous.dispose()


@pytest.mark.usefixtures("only_sqlite")
async def test_a_file_that_another_process_keeps_locked_is_unavailable(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = tuple(pragma for pragma in engine._PRAGMAS if not pragma.startswith("busy"))
    monkeypatch.setattr(engine, "_PRAGMAS", (*impatient, "busy_timeout=50"))
    database = Database(database_url)
    other = sqlite3.connect(database_url.removeprefix("sqlite+aiosqlite:///"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable):
        await touch(database)
    other.rollback()
    other.close()
    await database.close()


async def touch(database: Database) -> None:
    async with database.unit() as session:
        await session.execute(text("SELECT 1"))


async def test_an_exhausted_pool_is_unavailable_and_says_when_to_come_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_POOL_TIMEOUT", 0.05)
    database = Database(database_url, Pooling(1))
    holding = Writer(database)
    await asyncio.wait_for(holding.wrote.wait(), SOON)
    with pytest.raises(DatabaseUnavailable) as caught:
        await asyncio.wait_for(touch(database), SOON)
    assert caught.value.headers == {"Retry-After": "2"}
    await holding.end()
    await touch(database)
    await database.close()


async def test_a_wrong_statement_is_our_fault_not_an_absence(database: Database) -> None:
    for opened in (database.unit, database.read_unit):
        async with opened() as session:
            with pytest.raises(DBAPIError):
                await session.execute(text("SELECT 'database is locked' FROM no_such_table"))


async def test_times_come_back_in_utc_and_naive_ones_are_refused(database: Database) -> None:
    seoul = datetime(2026, 1, 1, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    made = account(seoul)
    await add(database, made)
    async with database.read_unit() as session:
        found = await session.get_one(Account, made.id)
    assert found.created_at == seoul
    assert found.created_at.utcoffset() == timedelta(0)
    with pytest.raises(StatementError, match="naive"):
        await add(database, account(datetime(2026, 1, 1)))  # noqa: DTZ001 - that is the point


async def add(database: Database, row: Account) -> None:
    async with database.unit() as session:
        session.add(row)


async def test_an_advisory_lock_lets_one_unit_in_at_a_time(database: Database) -> None:
    inside = 0

    async def enter() -> None:
        nonlocal inside
        async with database.unit() as session:
            await advisory_lock(session, "a name")
            inside += 1
            assert inside == 1
            await session.execute(text("SELECT 1"))
            inside -= 1

    await asyncio.wait_for(asyncio.gather(*(enter() for _ in range(8))), SOON)


def test_a_password_is_never_shown() -> None:
    assert "hunter2" not in Database("postgresql+asyncpg://me:hunter2@localhost/x").shown_url


async def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/deep/down/madang.db")
    await database.ping()
    await database.close()
    assert (tmp_path / "deep" / "down" / "madang.db").exists()
