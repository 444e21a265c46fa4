"""Jobs that run in a real server, while things around them die."""

import asyncio
import os
import signal
import time
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from tests.captions.jobs import CAPTIONS, look_up, request, until_done, until_recognising
from tests.factories import SignedIn, make_user
from tests.processes import descendants, wait_until_gone
from tests.servers import ServerProcess, server_process

from madang.captions.models import Caption
from madang.db.session import Database

CHILD = "child.py"


async def test_death_of_the_recogniser_costs_a_try_and_not_the_server(
    client: httpx2.AsyncClient, person: SignedIn, speech: bytes
) -> None:
    job = await request(client, person, speech)
    seen = await until_recognising(client, person, job["id"])
    (child,) = descendants(os.getpid(), CHILD)
    os.kill(child, signal.SIGKILL)
    again = await until_recognising(client, person, job["id"], seen.id + 1)
    assert again.data["progress"] >= seen.data["progress"]
    assert (await client.get("/health/ready")).status_code == 200
    await client.post(f"{CAPTIONS}/{job['id']}/cancel", headers=person.headers)
    assert not await gone_within(2)


async def gone_within(seconds: float) -> set[int]:
    """The recognisers that still live after so long, while the event loop goes on."""
    children = descendants(os.getpid(), CHILD)
    return await asyncio.to_thread(wait_until_gone, children, seconds)


async def test_server_answers_others_while_a_job_runs(
    client: httpx2.AsyncClient, person: SignedIn, speech: bytes
) -> None:
    job = await request(client, person, speech)
    await until_recognising(client, person, job["id"])
    waits: list[float] = []
    while len(waits) < 50 and (await look_up(client, person, job["id"]))["state"] == "running":
        asked = time.perf_counter()
        async with asyncio.timeout(5):
            assert (await client.get("/health/live")).status_code == 200
        waits.append(time.perf_counter() - asked)
    assert len(waits) > 10
    await client.post(f"{CAPTIONS}/{job['id']}/cancel", headers=person.headers)
    assert not await gone_within(2)


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {"MADANG_DATABASE_URL": database_url, "MADANG_SECRET_KEY": "0123456789abcdef" * 4}


async def test_killed_server_leaves_no_orphan_and_finishes_the_job_when_it_is_back(
    tmp_path: Path, environment: dict[str, str], speech: bytes
) -> None:
    with server_process(tmp_path, **environment) as server:
        async with httpx2.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client:
            person = await make_user(client)
            job = await request(client, person, speech)
            seen = await until_recognising(client, person, job["id"])
            children = descendants(pid_of(server), CHILD)
            assert len(children) == 1
            server.kill()
            assert not await asyncio.to_thread(wait_until_gone, children, 5)
        await asyncio.to_thread(server.start)
        async with httpx2.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client:
            assert (await look_up(client, person, job["id"]))["progress"] >= seen.data["progress"]
            done = await until_done(client, person, job["id"], seen.id)
            assert (done["state"], done["progress"]) == ("succeeded", 100)


async def test_stopped_server_leaves_the_job_queued_for_the_next(
    tmp_path: Path, environment: dict[str, str], speech: bytes, database: Database
) -> None:
    with server_process(tmp_path, **environment) as server:
        async with httpx2.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client:
            person = await make_user(client)
            job = await request(client, person, speech)
            await until_recognising(client, person, job["id"])
            children = descendants(pid_of(server), CHILD)
            stopping = time.monotonic()
            await asyncio.to_thread(server.stop)
            assert not wait_until_gone(children, 0)
            assert time.monotonic() - stopping < 10
    async with database.read_unit() as session:
        left = await session.get_one(Caption, UUID(job["id"]))
    assert (left.state, left.lease_id, left.lost_runners) == ("queued", None, 0)


def pid_of(server: ServerProcess) -> int:
    assert server._process is not None
    return server._process.pid
