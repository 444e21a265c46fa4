"""The unit of work: the only place that commits."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import structlog
from sqlalchemy import CursorResult, make_url, text
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.pool import PoolProxiedConnection

from madang.db.base import Base
from madang.db.engine import Pooling, open_engines
from madang.db.notifications import listen
from madang.db.touching import ObservedSession, take_touched
from madang.kit.problems import Problem, Text, Unavailable
from madang.kit.unit_guard import enter_unit, leave_unit

Session: TypeAlias = AsyncSession
Connection: TypeAlias = AsyncConnection
Hook = Callable[[], Awaitable[None] | None]
Told = Callable[..., Awaitable[None]]
_HOOKS = "after_commit"
_SQLSTATES_OF_ABSENCE = ("08", "28", "3D", "53", "55P03", "57014", "57P")
_SQLITE_ERRORS_OF_ABSENCE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_IOERR")
log = structlog.get_logger("madang.db")


class DatabaseUnavailable(Unavailable):
    code = "database-unavailable"
    title = Text("The database does not answer", "데이터베이스가 응답하지 않습니다")
    detail = Text(
        "Nothing was changed. Try again in {seconds} s.", "변경된 것은 없습니다. {seconds}초 뒤에 다시 시도하세요."
    )


class Database:
    """Both engines of one database and the units of work on them."""

    def __init__(self, url: str, pooling: Pooling = Pooling(), direct_url: str = "") -> None:  # noqa: B008 - frozen
        self._direct_url = direct_url or url
        self._tell_touched: Told | None = None
        self._writer, self._reader = open_engines(url, pooling)
        self._writer_is_shared = url.startswith("postgresql")
        self.shown_url = make_url(url).render_as_string(hide_password=True)

    @property
    def engine(self) -> AsyncEngine:
        """The writing engine, for migrations and start-up checks."""
        return self._writer

    @property
    def is_postgresql(self) -> bool:
        return self._writer_is_shared

    def tell_touched(self, told: Told) -> None:
        """Call `told` after each commit with the tags of what was written, see `touching`."""
        self._tell_touched = told

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Session]:
        """A transaction: committed at the end, rolled back when anything raises, then the `after_commit` hooks."""
        refusal: Problem | None = None
        async with _session(self._writer) as session:
            with _guarded():
                try:
                    yield session
                except Problem as problem:
                    if not problem.commit:
                        raise
                    refusal = problem
                await session.commit()
        touched, tell = take_touched(session), self._tell_touched
        if touched and tell is not None:
            after_commit(session, lambda: tell(*touched))
        await _run_hooks(session)
        if refusal is not None:
            raise refusal

    @asynccontextmanager
    async def read_unit(self) -> AsyncIterator[Session]:
        """A session that only reads; on PostgreSQL each statement stands alone, on SQLite one snapshot serves all."""
        async with _session(self._reader) as session:
            with _guarded():
                yield session

    @asynccontextmanager
    async def read_connection(self) -> AsyncIterator[Connection]:
        """As `read_unit`, for statements that return columns rather than models: no session is made for them."""
        with _translated(), _guarded():
            async with self._reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def pooled_connection(self) -> AsyncIterator[PoolProxiedConnection]:
        """The pool's own connection, outside any transaction, for a repository that speaks to the driver itself.

        Whatever the driver raises takes the connection out of the pool and comes out as it is.
        """
        with _translated(), _guarded():
            proxied = await self._reader.raw_connection()
            try:
                yield proxied
            except BaseException:
                proxied.invalidate()
                raise
            finally:
                proxied.close()

    async def ping(self) -> None:
        """Raises `DatabaseUnavailable`, whatever the reason."""
        try:
            async with self.read_unit() as session:
                await session.execute(text("SELECT 1"))
        except DBAPIError as error:
            raise DatabaseUnavailable(retry_after=2, seconds=2) from error

    async def locale(self) -> tuple[str, str]:
        """The encoding and the locale that tells letters from other signs; SQLite has Unicode and none."""
        if not self._writer_is_shared:
            return "UTF8", "none"
        statement = "SELECT pg_encoding_to_char(encoding), datctype FROM pg_database WHERE datname = current_database()"
        async with self.read_unit() as session:
            encoding, ctype = (await session.execute(text(statement))).one()
        return str(encoding), str(ctype)

    async def notify(self, channel: str) -> None:
        """Tell the listeners of every process; nothing on SQLite, which has only this one."""
        if self._writer_is_shared:
            async with self.read_unit() as session:
                await session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": channel})

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """Call `heard` at each notification until the connection is lost; on SQLite for ever nothing."""
        if not self._writer_is_shared:
            await asyncio.Event().wait()
        await listen(self._direct_url, channel, heard)

    async def close(self) -> None:
        await self._writer.dispose()
        if not self._writer_is_shared:
            await self._reader.dispose()


def after_commit(session: Session, hook: Hook) -> None:
    """Run `hook` once the session's unit has committed, never if it rolls back."""
    session.info.setdefault(_HOOKS, []).append(hook)


def changed_rows(result: object) -> int:
    """How many rows an UPDATE or DELETE touched; SQLAlchemy types its result by the widest class."""
    return result.rowcount if isinstance(result, CursorResult) else 0


async def insert_once(session: Session, table: type[Base], **values: Any) -> bool:
    """Add a row unless a unique key of it is there already; whether it was not."""
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    insert = PostgresqlInsert(table) if on_postgresql else SqliteInsert(table)
    return changed_rows(await session.execute(insert.values(values).on_conflict_do_nothing())) == 1


async def advisory_lock(session: Session, name: str) -> None:
    """Serialise units on a name until the end of the transaction; SQLite has one writer anyway, once it has begun."""
    if (await session.connection()).dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


@asynccontextmanager
async def _session(engine: AsyncEngine) -> AsyncIterator[Session]:
    with _translated():
        async with AsyncSession(engine, expire_on_commit=False, sync_session_class=ObservedSession) as session:
            yield session


class _translated:  # noqa: N801 - reads as a statement
    """Turns the absence of the database into a problem."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, TimeoutError | PoolTimeout | OSError):
            raise DatabaseUnavailable(retry_after=2, seconds=2) from error
        if isinstance(error, DBAPIError) and _is_absence(error):
            raise DatabaseUnavailable(retry_after=2, seconds=2) from error


class _guarded:  # noqa: N801 - reads as a statement
    def __enter__(self) -> None:
        self._token = enter_unit()

    def __exit__(self, *_: Any) -> None:
        with suppress(ValueError):
            leave_unit(self._token)


async def _run_hooks(session: Session) -> None:
    """What has been committed is not undone by a hook that fails, nor kept from the other hooks."""
    for hook in session.info.pop(_HOOKS, []):
        try:
            result = hook()
            if inspect.isawaitable(result):
                await result
        except Exception:
            log.exception("after-commit hook failed")


def _is_absence(error: DBAPIError) -> bool:
    """Whether the server is gone, starting, stopping or out of connections, rather than the statement wrong."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    gone = error.connection_invalidated or isinstance(error, InterfaceError)
    embedded = str(getattr(error.orig, "sqlite_errorname", None) or "")
    return gone or state.startswith(_SQLSTATES_OF_ABSENCE) or embedded.startswith(_SQLITE_ERRORS_OF_ABSENCE)
