"""Engines: one for writing, one for reading, on SQLite and PostgreSQL."""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "foreign_keys=ON")
_POOL_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Pooling:
    """How PostgreSQL is connected to; times in seconds. Behind a pooler in transaction mode no statement is prepared
    ahead, since the next transaction may find another server process, and no parameter is set at the start."""

    size: int = 10
    statement_timeout: int = 30
    is_behind_pooler: bool = False

    @property
    def connect_args(self) -> dict[str, Any]:
        if self.is_behind_pooler:
            return {
                "timeout": _POOL_TIMEOUT,
                "statement_cache_size": 0,
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": lambda: f"madang_{uuid4().hex}",
            }
        milliseconds = str(self.statement_timeout * 1000)
        settings = {
            "application_name": "madang",
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
        }
        return {"timeout": _POOL_TIMEOUT, "server_settings": settings}


def open_engines(url: str, pooling: Pooling) -> tuple[AsyncEngine, AsyncEngine]:
    """The writing and the reading engine of a URL."""
    return _sqlite_engines(url) if url.startswith("sqlite") else _postgresql_engines(url, pooling)


def _postgresql_engines(url: str, pooling: Pooling) -> tuple[AsyncEngine, AsyncEngine]:
    # Both share one pool. A read in AUTOCOMMIT is one round trip, with no BEGIN and no ROLLBACK around it. The pool
    # does not overflow: a connection beyond its size is closed when it is given back, so that under load the next
    # request pays for a new one, its TLS context, its server process and its prepared statements.
    writer = create_async_engine(
        url,
        pool_size=pooling.size,
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=_POOL_TIMEOUT,
        connect_args=pooling.connect_args,
    )
    return writer, writer.execution_options(isolation_level="AUTOCOMMIT")


def _sqlite_engines(url: str) -> tuple[AsyncEngine, AsyncEngine]:
    """A single writer that begins IMMEDIATE, and readers that never take the write lock.

    The driver's default loses updates silently and a deferred BEGIN fails when a stale snapshot is upgraded;
    one writing connection also queues fairly in the pool instead of polling the file's lock.
    """
    Path(make_url(url).database or "").absolute().parent.mkdir(parents=True, exist_ok=True)
    args = {"factory": _SQLiteConnection}
    writer = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=6 * _POOL_TIMEOUT, connect_args=args)
    reader = create_async_engine(url, pool_size=4, max_overflow=4, pool_timeout=_POOL_TIMEOUT, connect_args=args)
    _configure(writer, "BEGIN IMMEDIATE", _PRAGMAS)
    _configure(reader, "BEGIN", (*_PRAGMAS, "query_only=ON"))
    return writer, reader


class _SQLiteConnection(sqlite3.Connection):
    """Closing ends the transaction too. SQLite keeps a closed connection, and the database locked, for as long as one
    of its cursors lives; a unit that is cancelled amid a statement leaves such a cursor to the garbage collector."""

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self.rollback()
        super().close()


def _configure(engine: AsyncEngine, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor: sqlite3.Cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
