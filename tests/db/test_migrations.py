"""A database of an earlier revision, with data in it and in use, comes up to this release's."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from madang.kit.ids import new_id
from madang.migrations import runner

FIRST = "0001"
SOON = 60
_EVENT = text(
    "INSERT INTO outbox_events (id, name, key, data, origin, created_at, due_at, attempts) "
    "VALUES (:id, 'tests.noted.v1', 'key', '{}', '{}', :now, :now, 0)"
)
_DUE = text("SELECT indexname FROM pg_indexes WHERE indexname = 'ix_outbox_events_due'")


@pytest.fixture
async def old(database_url: str, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database at the first revision, with an event in it."""
    is_postgresql = database_url.startswith("postgresql")
    url = database_url if is_postgresql else f"sqlite+aiosqlite:///{tmp_path / 'old.db'}"
    engine = create_async_engine(url)
    if is_postgresql:
        async with engine.begin() as connection:
            await connection.execute(text("DROP SCHEMA public CASCADE"))
            await connection.execute(text("CREATE SCHEMA public"))
    assert await runner.upgrade(url, tmp_path, FIRST)
    await _publish(engine, new_id())
    yield engine
    await engine.dispose()


async def test_what_was_there_stays(old: AsyncEngine, tmp_path: Path) -> None:
    url = old.url.render_as_string(hide_password=False)
    assert await runner.current(url) == FIRST
    assert await runner.upgrade(url, tmp_path)
    assert await runner.current(url) == runner.head()
    assert await _count(old) == 1
    assert not await runner.upgrade(url, tmp_path)


async def test_an_index_is_made_while_others_write_and_an_old_transaction_is_open(
    old: AsyncEngine, tmp_path: Path
) -> None:
    _only_postgresql(old)
    async with old.connect() as idle:
        await _publish_on(idle, new_id())  # it holds its lock on the table until it ends
        upgrading = asyncio.create_task(runner.upgrade(_url(old), tmp_path))
        async with asyncio.timeout(SOON):
            while not await _index_is_there(old):  # noqa: ASYNC110 - the server is where it can be seen
                await asyncio.sleep(0.05)
            for _ in range(20):
                await _publish(old, new_id())
        assert not upgrading.done(), "nobody waits for it, it waits for the oldest"
        await idle.rollback()
    async with asyncio.timeout(SOON):
        assert await upgrading
    assert await _count(old) == 21


async def test_an_index_that_an_interrupted_attempt_left_is_made_anew(old: AsyncEngine, tmp_path: Path) -> None:
    _only_postgresql(old)
    async with old.begin() as connection:
        await connection.execute(text("CREATE INDEX ix_outbox_events_due ON outbox_events (id)"))
        await connection.execute(
            text("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_outbox_events_due'::regclass")
        )
    assert await runner.upgrade(_url(old), tmp_path)
    async with old.connect() as connection:
        valid = text("SELECT indisvalid, indnatts FROM pg_index WHERE indexrelid = 'ix_outbox_events_due'::regclass")
        assert tuple((await connection.execute(valid)).one()) == (True, 1)


async def test_a_table_that_is_held_is_not_queued_for(
    old: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only_postgresql(old)
    monkeypatch.setattr(runner, "_ATTEMPTS", 1)
    async with old.connect() as holding:
        await holding.execute(text("LOCK TABLE alembic_version IN SHARE MODE"))
        async with asyncio.timeout(SOON):
            with pytest.raises(runner.TableInUse, match="pg_stat_activity"):
                await runner.upgrade(_url(old), tmp_path)
        await holding.rollback()
    assert await runner.upgrade(_url(old), tmp_path)
    assert await _count(old) == 1


def _only_postgresql(engine: AsyncEngine) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("about PostgreSQL: SQLite has one process")


def _url(engine: AsyncEngine) -> str:
    return engine.url.render_as_string(hide_password=False)


async def _publish(engine: AsyncEngine, event_id: UUID) -> None:
    async with engine.begin() as connection:
        await _publish_on(connection, event_id)


async def _publish_on(connection: AsyncConnection, event_id: UUID) -> None:
    value = event_id if connection.dialect.name == "postgresql" else event_id.hex
    await connection.execute(_EVENT, {"id": value, "now": datetime.now(UTC)})


async def _index_is_there(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        return (await connection.execute(_DUE)).first() is not None


async def _count(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM outbox_events"))).scalar_one())
