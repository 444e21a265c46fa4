"""Seeded rounds of faults at random instants, under load: what clients were told holds, and each change has its event.

`make faults` runs the long form. A round is one fault: a server, a worker or Redis killed, RabbitMQ's or PostgreSQL's
connections cut, or any of the three hanging. Then all is healed, and what database and queues hold is compared with
what clients were told.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import aio_pika
import httpx2
import pytest

from madang.audit.chain_service import ChainService, Verdict
from madang.db.session import Database
from madang.kit.secrets import Keyring
from tests.databases import TestDatabases
from tests.factories import PASSWORD, SECRET
from tests.fleet import Fleet, open_fleet
from tests.peers.gate import ThreadedGate
from tests.peers.rabbitmq_server import cut_connections
from tests.peers.redis_server import RedisServer
from tests.servers import MadangProcess

ROUNDS = int(os.environ.get("MADANG_FAULT_ROUNDS", "8"))
SEED = int(os.environ.get("MADANG_FAULT_SEED", "1"))
SOON = 60
_UNSENT = "SELECT 1 FROM outbox_events WHERE sent_at IS NULL AND parked_at IS NULL LIMIT 1"
pytestmark = pytest.mark.timeout(60 + 30 * ROUNDS)


@dataclass
class House:
    fleet: Fleet
    told: set[str] = field(default_factory=set)
    untold: int = 0

    async def restart(self, process: MadangProcess) -> None:
        await asyncio.to_thread(process.kill)
        await asyncio.to_thread(process.start)

    async def lose_redis(self) -> None:
        await asyncio.to_thread(self.fleet.redis.kill)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(self.fleet.redis.start)

    async def hang(self, hanging: RedisServer | ThreadedGate) -> None:
        """What arrives is taken and not answered, as behind SIGSTOP; longer than any single time-out of ours."""
        hanging.hold()
        await asyncio.sleep(random.uniform(0.5, 7))
        hanging.go_on()

    async def cut_rabbitmq(self) -> None:
        await asyncio.to_thread(cut_connections, self.fleet.broker_url)

    async def cut_postgresql(self) -> None:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        await self.fleet.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")

    def faults(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "server killed": lambda: self.restart(random.choice(self.fleet.servers)),
            "worker killed": lambda: self.restart(random.choice(self.fleet.workers)),
            "redis killed": self.lose_redis,
            "redis hangs": lambda: self.hang(self.fleet.redis),
            "rabbitmq cut": self.cut_rabbitmq,
            "rabbitmq hangs": lambda: self.hang(self.fleet.broker_gate),
            "postgresql cut": self.cut_postgresql,
            "postgresql hangs": lambda: self.hang(self.fleet.database_gate),
        }


@pytest.fixture
def house(tmp_path: Path, databases: TestDatabases) -> Iterator[House]:
    with open_fleet(tmp_path, databases, MADANG_LIMITS__SIGN_UP="1000000/hour") as fleet:
        yield House(fleet)


async def test_nothing_that_was_told_is_lost_and_each_change_has_its_event_once(house: House) -> None:
    random.seed(SEED)
    rounds = []
    async with _load(house):
        for number in range(ROUNDS):
            name, fault = random.choice(sorted(house.faults().items()))
            await asyncio.sleep(random.uniform(0.1, 1.0))
            began = time.monotonic()
            await fault()
            rounds.append(name)
            print(f"round {number}: {name}, healed after {time.monotonic() - began:.1f} s, told {len(house.told)}")
    await house.fleet.until_none(_UNSENT, 2 * SOON)
    kept = {row[0] for row in await house.fleet.query("SELECT account_id FROM accounts")}
    assert house.told <= kept, "an acknowledged sign-up is gone"
    told_of = await house.fleet.query(
        "SELECT data ->> 'account_id' AS id, count(*) FROM outbox_events "
        "WHERE name = 'accounts.account_registered.v1' GROUP BY 1"
    )
    accounts = {str(row[0]) for row in await house.fleet.query("SELECT id FROM accounts")}
    assert {row[0] for row in told_of} == accounts, "an event is missing, or one of nothing was published"
    assert {row[1] for row in told_of} == {1}
    effects = "SELECT target_id FROM audit_entries WHERE action = 'accounts.account_registered'"
    async with asyncio.timeout(2 * SOON):
        while len(trail := await house.fleet.query(effects)) < len(accounts):  # noqa: ASYNC110 - the server is where it can be seen
            await asyncio.sleep(0.2)
    assert sorted(str(row[0]) for row in trail) == sorted(accounts), "an effect is missing, or came twice"
    assert await house.fleet.query("SELECT id FROM outbox_events WHERE parked_at IS NOT NULL") == []
    await _until_the_queues_are_empty(house)
    verdict = await _verdict(house)
    assert verdict.fault is None, verdict
    print(f"{len(rounds)} rounds, {len(house.told)} told, {house.untold} not answered, {len(kept)} kept")


@asynccontextmanager
async def _load(house: House) -> AsyncIterator[None]:
    stop = asyncio.Event()

    async def sign_up(client: httpx2.AsyncClient) -> None:
        while not stop.is_set():
            name = f"p{uuid4().hex[:16]}"
            url = f"{random.choice(house.fleet.servers).url}/api/v1/accounts"
            try:
                answer = await client.post(url, json={"account_id": name, "password": PASSWORD})
            except httpx2.TransportError:
                house.untold += 1
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 201:
                house.told.add(name)
            else:
                assert answer.status_code == 503, answer.text
                assert "retry-after" in answer.headers
                house.untold += 1

    async with httpx2.AsyncClient(timeout=SOON, trust_env=False) as client:
        tasks = [asyncio.create_task(sign_up(client)) for _ in range(6)]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)


async def _verdict(house: House) -> Verdict:
    database = Database(house.fleet.database_url)
    try:
        return await ChainService(database, Keyring([SECRET])).verify()
    finally:
        await database.close()


async def _until_the_queues_are_empty(house: House) -> None:
    async with await aio_pika.connect(house.fleet.broker_url) as connection, asyncio.timeout(SOON):
        channel = await connection.channel()
        for name in ("madang.work", "madang.dead"):
            while (await channel.declare_queue(name, passive=True)).declaration_result.message_count:  # noqa: ASYNC110 - the server is where it can be seen
                await asyncio.sleep(0.2)
