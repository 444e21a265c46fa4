"""The migrations make exactly the tables that the models describe."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from madang.migrations import runner
from madang.tables import metadata


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(database_url)
    async with engine.connect() as opened:
        yield opened
    await engine.dispose()


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
    differences: list[Any] = compare_metadata(context, metadata)
    return differences


async def test_models_equal_migrations(connection: AsyncConnection) -> None:
    assert await connection.run_sync(_differences) == []


@pytest.mark.parametrize("module", ["madang.worker", "madang.app", "madang.cli.keys"])
def test_whoever_reads_off_all_tables_knows_them_all(module: str) -> None:
    """Erasure and new secrets go by the tables that a process has met."""
    program = f"import {module}; from madang.db.base import Base; print(*sorted(Base.metadata.tables))"
    met = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert met.stdout.split() == sorted(metadata.tables)


async def test_migrating_twice_does_nothing_the_second_time(database_url: str, tmp_path: Path) -> None:
    assert await runner.current(database_url) == runner.head()
    assert await runner.upgrade(database_url, tmp_path) is False


async def test_five_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'fresh.db'}"
    done = await asyncio.gather(*(runner.upgrade(url, tmp_path) for _ in range(5)))
    assert sorted(done) == [False, False, False, False, True]
