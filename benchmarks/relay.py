"""`python -m benchmarks.relay`: from a commit in PostgreSQL to RabbitMQ, idle and with a backlog.

One relay in a process of its own, as a worker runs it, without handlers. RabbitMQ is an empty virtual host at
MADANG_BENCH_RABBITMQ_URL; without it one is made by `rabbitmqctl` and removed afterwards.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID, uuid4

import aio_pika

from benchmarks.database import own_database, postgresql_server
from madang.backends.broker.rabbitmq_topology import EVENTS, declare
from madang.db.session import Database
from madang.kit.ids import new_id
from madang.outbox.events import HousekeepingDue
from madang.outbox.publish import WAKE_CHANNEL, Outbox
from madang.outbox.relay import backlog

_TRANSACTION = 20
_PAUSE_SECONDS = 0.2
_PATIENCE_SECONDS = 120


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relay", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="of the backlog, each with a key of its own")
    parser.add_argument("--singles", type=int, default=100, help="published one at a time, with a pause after each")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="madang-bench-") as name,
        postgresql_server(Path(name)) as server,
        rabbitmq_host() as broker_url,
    ):
        asyncio.run(measure(server, broker_url, Path(name), given))


async def measure(server: str, broker_url: str, folder: Path, given: argparse.Namespace) -> None:
    async with own_database(server, folder, keep=False) as plain_url:
        url = plain_url.replace("postgresql://", "postgresql+asyncpg://")
        database = Database(url)
        await publish_backlog(database, given.events)
        with relaying(url, broker_url):
            seconds = await until_all_are_sent(database, given.events)
            delays = await idle_delays(database, broker_url, given.singles)
        await database.close()
    p95 = quantiles(delays, n=20)[18]
    print(f"backlog: {given.events} events in {seconds:.2f} s, {given.events / seconds:.0f} events/s (goal ≥ 2,000)")
    print(f"idle, commit to consumer: p50 {median(delays):.1f} ms (goal < 20), p95 {p95:.1f} ms, {len(delays)} events")


async def publish_backlog(database: Database, count: int) -> None:
    for _ in range(count // _TRANSACTION):
        async with database.unit() as session:
            for _ in range(_TRANSACTION):
                Outbox(session).publish(HousekeepingDue(), key=new_id())


async def until_all_are_sent(database: Database, count: int) -> float:
    """Seconds from the first event that was marked until the last."""
    started: float | None = None
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while (waiting := (await backlog(database))[0]) > 0:
            if started is None and waiting < count:
                started = time.monotonic()
            await asyncio.sleep(0.02)
    return time.monotonic() - (started or time.monotonic())


async def idle_delays(database: Database, broker_url: str, count: int) -> list[float]:
    """Milliseconds between the return of the commit and the arrival at a consumer."""
    arrived: dict[UUID, float] = {}
    committed: dict[UUID, float] = {}

    async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        arrived[UUID(json.loads(message.body)["id"])] = time.monotonic()

    async with await aio_pika.connect(broker_url) as connection:
        channel = await connection.channel()
        await declare(channel)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(EVENTS, "#")
        await queue.consume(take, no_ack=True)
        for _ in range(count):
            async with database.unit() as session:
                event_id = Outbox(session).publish(HousekeepingDue(), key=new_id())
            committed[event_id] = time.monotonic()
            await database.notify(WAKE_CHANNEL)
            await asyncio.sleep(_PAUSE_SECONDS)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while len(arrived.keys() & committed.keys()) < count:  # noqa: ASYNC110 - the other side is a server
                await asyncio.sleep(0.05)
    return [(arrived[one] - committed[one]) * 1000 for one in committed]


@contextmanager
def relaying(database_url: str, broker_url: str) -> Iterator[None]:
    """The relay's process, until the context ends."""
    child = subprocess.Popen([sys.executable, "-m", "benchmarks.contestants.relay", database_url, broker_url])
    try:
        yield
    finally:
        child.terminate()
        child.wait(30)


@contextmanager
def rabbitmq_host() -> Iterator[str]:
    if given := os.environ.get("MADANG_BENCH_RABBITMQ_URL"):
        yield given
        return
    name = f"madang-bench-{uuid4().hex[:12]}"
    _control("add_vhost", name)
    try:
        _control("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        yield f"amqp://guest:guest@127.0.0.1:5672/{name}"
    finally:
        _control("delete_vhost", name)


def _control(*command: str) -> None:
    subprocess.run(["rabbitmqctl", "--quiet", *command], check=True, timeout=60)


if __name__ == "__main__":
    main()
