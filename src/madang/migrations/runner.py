"""Bringing a database to this release's schema, one process at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock, Timeout
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from madang.db.session import DatabaseUnavailable
from madang.migrations.safely import LIMIT_LOCKS, NotMigrated

_LOCK = "madang migrations"
_POLL_SECONDS = 0.2
_PATIENCE_SECONDS = 600.0
_ATTEMPTS = 5
_PAUSE_SECONDS = 2.0
_LOCK_NOT_AVAILABLE = "55P03"


class MigrationLocked(NotMigrated):
    """Another process has been migrating the same database for too long."""


class TableInUse(NotMigrated):
    """A change to a table waited in vain for transactions that use it; what came before it is done."""


def head() -> str:
    """The revision this release needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


async def current(url: str) -> str | None:
    """The revision the database has; None before the first migration."""
    async with _connect(url) as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


async def upgrade(url: str, lock_folder: Path, revision: str | None = None) -> bool:
    """Migrate to a revision (`head`) under a lock that waiters poll; returns whether anything was done.

    Each revision commits on its own. One that finds a table locked for five seconds gives up rather than let everybody
    queue behind it, and is tried again a few times; then `TableInUse`.

    Polling the try-lock matters: waiting on an advisory lock holds a snapshot, and `CREATE INDEX CONCURRENTLY`
    in the process that has the lock would wait for it for ever.
    """
    async with _connect(url) as connection, _migration_lock(connection, lock_folder):
        before = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
        await connection.rollback()
        if before == (revision or head()):
            return False
        await _insist(connection, revision or head())
        return True


def sql(url: str) -> None:
    """Print the whole history as SQL for the URL's dialect."""
    config = _config()
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, "head", sql=True)


async def _insist(connection: AsyncConnection, revision: str) -> None:
    for attempt in range(_ATTEMPTS):
        if attempt:
            await asyncio.sleep(_PAUSE_SECONDS)
        if connection.dialect.name == "postgresql":
            await connection.execute(LIMIT_LOCKS)
            await connection.commit()
        try:
            await connection.run_sync(_upgrade, revision)
            return await connection.commit()
        except DBAPIError as error:
            await connection.rollback()
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
    raise TableInUse(
        f"Another transaction holds a table that a migration changes, and kept it for {_ATTEMPTS} attempts. What was "
        "done before it is kept; end long transactions (pg_stat_activity shows them) and run `madang migrate` again."
    )


def _upgrade(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@asynccontextmanager
async def _connect(url: str) -> AsyncIterator[AsyncConnection]:
    """Raises `DatabaseUnavailable`."""
    engine: AsyncEngine = create_async_engine(url, poolclass=NullPool)
    try:
        try:
            connection = await engine.connect()
        except (OSError, DBAPIError) as error:
            raise DatabaseUnavailable(retry_after=2, seconds=2) from error
        async with aclosing(connection):
            yield connection
    finally:
        await engine.dispose()


@asynccontextmanager
async def _migration_lock(connection: AsyncConnection, folder: Path) -> AsyncIterator[None]:
    if connection.dialect.name == "postgresql":
        await _poll(lambda: _try_advisory(connection))
        yield  # a failure closes the connection, and the lock with it
        await connection.execute(text("SELECT pg_advisory_unlock_all()"))
        await connection.commit()
        return
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - one call, before anything is served
    lock = FileLock(folder / "migrations.lock")
    await _poll(lambda: _try_file(lock))
    try:
        yield
    finally:
        lock.release()


async def _poll(attempt: Callable[[], Awaitable[bool]]) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await attempt():  # noqa: ASYNC110 - the lock is another process's
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise MigrationLocked(f"another process has held {_LOCK!r} for {_PATIENCE_SECONDS:.0f} s") from None


async def _try_advisory(connection: AsyncConnection) -> bool:
    statement = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
    taken = bool((await connection.execute(statement, {"name": _LOCK})).scalar_one())
    await connection.rollback()
    return taken


async def _try_file(lock: FileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    return True
