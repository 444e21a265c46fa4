"""Fixtures: a database of one's own, a real server on a socket, a client, the running application."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
import structlog
from fastapi import FastAPI

from madang.backends import Backends
from madang.db.session import Database
from madang.settings import Settings
from tests.databases import TestDatabases, open_test_databases
from tests.factories import SECRET
from tests.peers.rabbitmq_server import rabbitmq_host
from tests.peers.redis_server import RedisServer, redis_server
from tests.peers.s3_server import S3Server, s3_server
from tests.servers import serving

# The default traceback draws every local variable, which takes seconds of the very loop under test.
structlog.configure(
    processors=[structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestDatabases]:
    with open_test_databases(tmp_path_factory.mktemp("databases")) as opened:
        yield opened


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """One server for all tests of a process; each takes a bucket of its own."""
    with s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """One server for all tests of a process that leave it running."""
    with redis_server() as server:
        yield server


@pytest.fixture
def rabbitmq_url() -> Iterator[str]:
    """A virtual host of one's own."""
    with rabbitmq_host() as url:
        yield url


@pytest.fixture
def database_url(databases: TestDatabases) -> Iterator[str]:
    """A migrated, empty database, copied from a template and dropped afterwards."""
    with databases.copy() as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(data_dir=tmp_path / "var", database_url=database_url, secret_key=SECRET)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[tuple[str, FastAPI]]:
    async with serving(settings) as running:
        yield running


@pytest.fixture
async def client(server: tuple[str, FastAPI]) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=server[0], timeout=30) as opened:
        yield opened


@pytest.fixture
def backends(server: tuple[str, FastAPI]) -> Backends:
    """The back ends of the server that `client` talks to."""
    opened: Backends = server[1].state.running.backends
    return opened
