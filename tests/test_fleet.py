"""Two servers and two workers on PostgreSQL, Redis and RabbitMQ: whichever answers, nothing is lost."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from statistics import median
from uuid import UUID

import asyncpg
import httpx2
import pytest

from tests.captions import jobs
from tests.databases import TestDatabases
from tests.factories import SignedIn, make_admin, make_user, sign_in
from tests.fleet import Fleet, open_fleet
from tests.peers.rabbitmq_server import cut_connections
from tests.speech.media_files import RECORDING

SOON = 60
CONVERSATIONS = "/api/v1/chat/conversations"
EXPORTS = "/api/v1/accounts/me/exports"
_UNSENT = "SELECT 1 FROM outbox_events WHERE sent_at IS NULL LIMIT 1"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, databases: TestDatabases) -> Iterator[Fleet]:
    settings = {
        "MADANG_LIMITS__SIGN_UP": "1000/hour",
        "MADANG_LIMITS__EXIST": "5/minute",
        "MADANG_LIMITS__CHAT": "100000/minute",
        "MADANG_DRAIN": "4",
    }
    with open_fleet(tmp_path_factory.mktemp("fleet"), databases, **settings) as opened:
        yield opened


@pytest.fixture
async def both(fleet: Fleet) -> AsyncIterator[list[httpx2.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(httpx2.AsyncClient(base_url=one.url, timeout=SOON, trust_env=False))
            for one in fleet.servers
        ]


Clients = list[httpx2.AsyncClient]


async def test_a_budget_is_one_whichever_server_counts(both: Clients) -> None:
    answers = [await client.get("/api/v1/accounts/exist/nobody") for client in both * 5]
    assert sorted(one.status_code for one in answers) == [200] * 5 + [429] * 5


async def test_an_answer_is_followed_from_another_server_as_it_comes(both: Clients) -> None:
    person = await make_user(both[0])
    run = await _ask(both[0], person, "w " * 140)
    here, there = await asyncio.gather(*(_follow(client, person, run["id"]) for client in both))
    assert there.text == here.text
    assert there.last == "done"
    late = [there.at[end] - here.at[end] for end in here.at if end in there.at]
    print(f"extra delay on another server: median {median(late) * 1000:.1f} ms, most {max(late) * 1000:.1f} ms")
    assert len(late) > 5
    assert median(late) < 3.0


async def test_captions_made_by_a_worker_are_followed_alike_on_both_servers(both: Clients) -> None:
    person = await make_user(both[0])
    job = await jobs.request(both[0], person, RECORDING.read_bytes())

    async def follow(client: httpx2.AsyncClient) -> list[jobs.Told]:
        return [told async for told in jobs.follow(client, person, job["id"])]

    here, there = await asyncio.gather(*(follow(client) for client in both))
    assert there == here
    assert len(here) > 3
    assert (here[-1].event, here[-1].data["state"]) == ("done", "succeeded")
    export = f"{jobs.CAPTIONS}/{job['id']}/export"
    texts = [await client.get(export, params={"format": "vtt"}, headers=person.headers) for client in both]
    assert texts[0].text == texts[1].text
    assert "country" in texts[0].text


async def test_stopping_an_answer_reaches_the_server_that_writes_it(both: Clients) -> None:
    person = await make_user(both[0])
    run = await _ask(both[0], person, "w " * 140)
    stopped = await both[1].post(f"/api/v1/chat/runs/{run['id']}/cancel", headers=person.headers)
    assert stopped.is_success, stopped.text
    assert (await _follow(both[1], person, run["id"])).state == "cancelled"


async def test_signing_out_on_one_is_signed_out_on_the_other(both: Clients) -> None:
    person = await make_user(both[0])
    assert (await both[1].get("/api/v1/accounts/me", headers=person.headers)).status_code == 200
    await both[0].delete("/api/v1/accounts/logout", headers=person.headers)
    assert (await both[1].get("/api/v1/accounts/me", headers=person.headers)).status_code == 401


async def test_a_reader_held_between_anothers_commit_and_its_own_keeping_keeps_nothing_stale(
    fleet: Fleet, both: Clients
) -> None:
    admin, person = await _admin(both[0]), await make_user(both[1])
    url = f"/api/v1/users/{person.id}"
    connection = await asyncpg.connect(fleet.database_url.replace("+asyncpg", ""))
    async with connection.transaction():  # the view reads the account first and asks about passkeys last
        await connection.execute("LOCK TABLE passkeys IN ACCESS EXCLUSIVE MODE")
        reader = asyncio.create_task(both[0].get(url, headers=admin.headers))
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'passkeys'::regclass"
        async with asyncio.timeout(SOON):
            while not await fleet.query(waiting):  # noqa: ASYNC110 - the server is where it can be seen
                await asyncio.sleep(0.02)
        renamed = await both[1].patch("/api/v1/accounts/me", json={"name": "새 이름"}, headers=person.headers)
        assert renamed.status_code == 200, renamed.text
    await connection.close()
    assert (await reader).json()["name"] is None, "it had read before the commit"
    for client in both * 2:
        assert (await client.get(url, headers=admin.headers)).json()["name"] == "새 이름"


async def test_a_list_read_on_one_server_is_new_on_both_after_a_write_on_either(both: Clients) -> None:
    admin = await _admin(both[0])
    for number in range(6):
        person = await make_user(both[number % 2])
        for client in both:
            listed = await client.get("/api/v1/users", params={"size": 1}, headers=admin.headers)
            assert [one["id"] for one in listed.json()["items"]] == [person.id]


async def test_work_is_done_by_the_workers_and_survives_the_death_of_one(fleet: Fleet, both: Clients) -> None:
    people = [await make_user(both[number % 2]) for number in range(6)]
    exports = await asyncio.gather(*(_export(both[number % 2], one) for number, one in enumerate(people)))
    fleet.workers[0].kill()
    for number, (person, export) in enumerate(zip(people, exports, strict=True)):
        assert await _state_in_the_end(both[number % 2], person, export) == "ready"
    fleet.workers[0].start()


async def test_without_redis_and_with_rabbitmq_cut_all_goes_on(fleet: Fleet, both: Clients) -> None:
    fleet.redis.kill()
    await asyncio.to_thread(cut_connections, fleet.broker_url)
    person = await make_user(both[0])
    run = await _ask(both[0], person, "w " * 140)
    here, there = await asyncio.gather(*(_follow(client, person, run["id"]) for client in both))
    assert (there.text, there.last) == (here.text, "done")
    export = await _export(both[1], person)
    assert await _state_in_the_end(both[0], person, export) == "ready"
    fleet.redis.start()


async def test_a_rolling_restart_loses_no_request(fleet: Fleet, both: Clients) -> None:
    """Behind a balancer that asks each server twice a second whether it is ready."""
    person, stop, ready = await make_user(both[0]), asyncio.Event(), {0, 1}
    done = [0, 0]

    async def watch(number: int) -> None:
        while not stop.is_set():
            try:
                is_ready = (await both[number].get("/health/ready")).status_code == 200
            except httpx2.TransportError:
                is_ready = False
            (ready.add if is_ready else ready.discard)(number)
            await asyncio.sleep(0.5)

    async def load() -> None:
        while not stop.is_set():
            number = random.choice(sorted(ready))
            asked = await both[number].post(CONVERSATIONS, json={}, headers=person.headers)
            assert asked.status_code == 201, asked.text
            done[number] += 1

    loads = [asyncio.create_task(load()) for _ in range(4)]
    watches = [asyncio.create_task(watch(number)) for number in ready]
    for server in fleet.servers:
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(SOON):
            while len(ready) < 2:  # noqa: ASYNC110 - as the balancer looks
                await asyncio.sleep(0.1)
    stop.set()
    await asyncio.gather(*loads, *watches)
    print(f"answered during the rolling restart: {done}")
    assert min(done) > 20
    [[kept]] = await fleet.query("SELECT count(*) FROM conversations WHERE account_id = $1", UUID(person.id))
    assert kept == sum(done)


async def test_every_event_was_sent_and_handled_in_the_end(fleet: Fleet) -> None:
    await fleet.until_none(_UNSENT, 2 * SOON)  # what a killed worker held comes back after its lease, a minute
    [[due]] = await fleet.query("SELECT count(*) FROM outbox_events WHERE name = 'outbox.housekeeping_due.v1'")
    assert due in {1, 2}, "two workers keep one schedule; the hour may have turned"


async def _admin(client: httpx2.AsyncClient) -> SignedIn:
    """The fleet's administrator, whichever test comes first."""
    with suppress(AssertionError):
        return await make_admin(client)
    return await sign_in(client, "admin", "profile admin:users offline_access")


@dataclass
class Followed:
    text: str
    last: str
    state: str
    at: dict[int, float]


async def _ask(client: httpx2.AsyncClient, person: SignedIn, question: str) -> dict[str, str]:
    made = await client.post(CONVERSATIONS, json={}, headers=person.headers)
    url = f"{CONVERSATIONS}/{made.json()['id']}/messages"
    asked = await client.post(url, json={"content": question}, headers=person.headers)
    assert asked.status_code == 202, asked.text
    run: dict[str, str] = asked.json()["run"]
    return run


async def _follow(client: httpx2.AsyncClient, person: SignedIn, run_id: str) -> Followed:
    followed, event, end = Followed("", "", "", {}), "", 0
    async with client.stream("GET", f"/api/v1/chat/runs/{run_id}/events", headers=person.headers) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                end = int(line[4:])
            elif line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
                followed.last = event
                if event == "delta":
                    followed.text += data["text"]
                    followed.at[end] = time.monotonic()
                followed.state = data.get("state", followed.state)
    return followed


async def _export(client: httpx2.AsyncClient, person: SignedIn) -> str:
    asked = await client.post(EXPORTS, json={}, headers=person.headers)
    assert asked.status_code == 202, asked.text
    export: str = asked.json()["id"]
    return export


async def _state_in_the_end(client: httpx2.AsyncClient, person: SignedIn, export: str) -> str:
    async with asyncio.timeout(2 * SOON):
        while True:
            listed = await client.get(EXPORTS, headers=person.headers)
            [found] = [one for one in listed.json()["items"] if one["id"] == export]
            if found["state"] in {"ready", "failed"}:
                return str(found["state"])
            await asyncio.sleep(0.1)
