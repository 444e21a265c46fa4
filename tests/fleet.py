"""Two servers without a worker and two workers on PostgreSQL, Redis and RabbitMQ, in processes of their own."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url

from tests.databases import TestDatabases
from tests.factories import SECRET
from tests.peers.gate import ThreadedGate, threaded_gate
from tests.peers.rabbitmq_server import rabbitmq_host
from tests.peers.redis_server import RedisServer, redis_server
from tests.servers import MadangProcess, ServerProcess, server_process, worker_process


@dataclass
class Fleet:
    """`broker_url` and `database_url` lead there directly; the processes go through the gates."""

    servers: list[ServerProcess]
    workers: list[MadangProcess]
    redis: RedisServer
    broker_url: str
    broker_gate: ThreadedGate
    database_url: str
    database_gate: ThreadedGate

    async def query(self, statement: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database_url.replace("+asyncpg", ""))
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    async def until_none(self, statement: str, seconds: float) -> None:
        """Wait until the query finds no row."""
        async with asyncio.timeout(seconds):
            while await self.query(statement):  # noqa: ASYNC110 - the server is where it can be seen
                await asyncio.sleep(0.2)


@contextmanager
def open_fleet(folder: Path, databases: TestDatabases, **settings: str) -> Iterator[Fleet]:
    with ExitStack() as stack:
        url = stack.enter_context(databases.copy())
        if not url.startswith("postgresql"):
            pytest.skip("needs a PostgreSQL server")
        redis, broker = stack.enter_context(redis_server()), stack.enter_context(rabbitmq_host())
        gates = [stack.enter_context(_gate_before(one)) for one in (broker, url)]
        environment = {
            "MADANG_DATABASE_URL": _through(gates[1], url),
            "MADANG_CACHE_URL": redis.url,
            "MADANG_BROKER_URL": _through(gates[0], broker),
            "MADANG_SECRET_KEY": SECRET,
            "MADANG_STORAGE_URL": f"file:{folder}/media",
            "MADANG_LIMITS__EVERYTHING": "1000000/minute",
            **settings,
        }

        def own(name: str) -> Path:
            (folder / name).mkdir()
            return folder / name

        servers = [stack.enter_context(server_process(own(f"s{n}"), "--no-worker", **environment)) for n in (0, 1)]
        workers = [stack.enter_context(worker_process(own(f"w{n}"), **environment)) for n in (0, 1)]
        yield Fleet(servers, workers, redis, broker, gates[0], url, gates[1])


@contextmanager
def _gate_before(url: str) -> Iterator[ThreadedGate]:
    target = make_url(url)
    with threaded_gate(target.host or "127.0.0.1", target.port or 5432) as gate:
        yield gate


def _through(gate: ThreadedGate, url: str) -> str:
    return make_url(url).set(host="127.0.0.1", port=gate.port).render_as_string(hide_password=False)
