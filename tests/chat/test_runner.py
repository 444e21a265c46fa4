"""What happens to answers when servers die, stop, lose their lease or fall silent."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

import madang
from madang.backends import Backends
from madang.backends.cache.memory import MemoryCache
from madang.chat.handlers import forget_idempotency_keys, sweep_run_logs
from madang.chat.reaper_runner import reap_interrupted
from madang.chat.run_repository import Piece, RunRepository
from madang.chat.runner import CANCEL_CHANNEL, live_channel
from madang.chat.stream_runner import RunReader
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.outbox.delivery import Delivery
from madang.outbox.events import HousekeepingDue
from madang.settings import Settings
from tests.chat.talking import CHAT, ask, begin, ended, events, follow, messages, text_of
from tests.factories import SignedIn, make_user
from tests.servers import server_process, serving
from tests.upstreams import Upstream


def process_environment(settings: Settings) -> dict[str, str]:
    return {
        "PYTHONPATH": str(Path(madang.__file__).parents[1]),
        "MADANG_DATABASE_URL": settings.database_url,
        "MADANG_SECRET_KEY": settings.secrets[0],
        "MADANG_LLM_URL": settings.llm_url.replace("idle=3", "idle=60"),
        "MADANG_LLM_MODEL": "ok",
        "MADANG_LIMITS__CHAT": "100000/minute",
        "MADANG_LIMITS__EVERYTHING": "100000/minute",
    }


@pytest.fixture
def process_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "process"
    folder.mkdir()
    return folder


async def read_some(client: httpx2.AsyncClient, person: SignedIn, run_id: str, length: int) -> str:
    read = ""
    async with client.stream("GET", f"{CHAT}/runs/{run_id}/events", headers=person.headers) as response:
        async for event in events(response):
            read += str(event.data.get("text", ""))
            if len(read) >= length:
                return read
    raise AssertionError("the answer ended early")


async def ended_text(client: httpx2.AsyncClient, person: SignedIn, run_id: str) -> str:
    run = await ended(client, person, run_id)
    stored = await messages(client, person, run["conversation_id"])
    return str(next(one["content"] for one in stored if one["id"] == run["message_id"]))


async def test_killed_server_leaves_no_answer_running_and_keeps_its_text(
    settings: Settings, process_folder: Path
) -> None:
    with server_process(process_folder, **process_environment(settings)) as server:
        async with httpx2.AsyncClient(base_url=server.url, timeout=30) as client:
            person = await make_user(client)
            conversation = await begin(client, person)
            run_id = (await ask(client, person, conversation, "endless"))["run"]["id"]
            read = await read_some(client, person, run_id, 400)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            run = await ended(client, person, run_id)
            assert (run["state"], run["error"]["code"]) == ("interrupted", "answer-interrupted")
            answer = (await messages(client, person, conversation))[1]
            assert answer["status"] == "interrupted"
            # What is lost is what one storing round (0.2 s, fifty characters here) had not taken yet.
            assert len(answer["content"]) > len(read) - 300
            for last_id in (0, 7, len(answer["content"]) - 1, len(read), 10_000):
                if last_id != len(answer["content"]):
                    received = await follow(client, person, run_id, last_id)
                    before = answer["content"][:last_id].ljust(last_id, "?")
                    assert text_of(received, before) == answer["content"]
                    assert any(event.event == "reset" for event in received) == (last_id > len(answer["content"]))
            assert (await ended(client, person, (await ask(client, person, conversation))["run"]["id"]))[
                "error"
            ] is None


async def test_stopped_server_ends_its_answers_as_interrupted(settings: Settings) -> None:
    async with serving(settings) as (url, _), httpx2.AsyncClient(base_url=url, timeout=30) as client:
        person = await make_user(client)
        conversation = await begin(client, person)
        run_id = (await ask(client, person, conversation, "endless"))["run"]["id"]
        read = await read_some(client, person, run_id, 50)
    async with serving(settings) as (url, _), httpx2.AsyncClient(base_url=url, timeout=30) as client:
        run = (await client.get(f"{CHAT}/runs/{run_id}", headers=person.headers)).json()
        assert (run["state"], run["error"]["code"]) == ("interrupted", "answer-interrupted")
        answer = (await messages(client, person, conversation))[1]
        assert (answer["status"], answer["content"].startswith(read)) == ("interrupted", True)


async def test_a_lost_lease_ends_the_run_for_its_readers_and_stops_its_writer(
    client: httpx2.AsyncClient, backends: Backends, person: SignedIn, upstream: Upstream
) -> None:
    conversation = await begin(client, person)
    run_id = (await ask(client, person, conversation, "endless"))["run"]["id"]
    reader = asyncio.create_task(follow(client, person, run_id))
    await read_some(client, person, run_id, 50)
    assert await reap_interrupted(backends, utc_now()) == 0
    assert await reap_interrupted(backends, utc_now() + timedelta(minutes=1)) == 1
    received = await reader
    assert received[-1].data["state"] == "interrupted"
    answer = (await messages(client, person, conversation))[1]
    assert text_of(received) == answer["content"]
    await upstream.is_streaming(wanted=False)
    assert (await messages(client, person, conversation))[1] == answer


async def test_a_reader_needs_no_channel(
    client: httpx2.AsyncClient, backends: Backends, person: SignedIn, upstream: Upstream
) -> None:
    """As on another server whose cache has failed: the log alone carries the answer, later."""
    run_id = (await ask(client, person, await begin(client, person), "slow"))["run"]["id"]
    asyncio.get_running_loop().call_later(0.5, upstream.go_on.set)
    reader = RunReader(backends.database, MemoryCache())
    received = [event async for event in reader.follow(UUID(run_id), None, "en")]
    text = "".join(str(event.data["text"]) for event in received if isinstance(event.data, dict))
    assert text == (await ended_text(client, person, run_id))
    assert received[-1].event == "done"


async def test_a_reader_that_loses_messages_finds_them_in_the_log(
    client: httpx2.AsyncClient, backends: Backends, person: SignedIn, upstream: Upstream
) -> None:
    run_id = (await ask(client, person, await begin(client, person), "slow"))["run"]["id"]
    await read_some(client, person, run_id, 9)
    reading = asyncio.create_task(follow(client, person, run_id))
    await asyncio.sleep(0.3)
    await backends.cache.publish(live_channel(UUID(run_id)), "5000:beyond what was ever said")
    upstream.go_on.set()
    assert text_of(await reading) == await ended_text(client, person, run_id)


async def test_cancel_reaches_another_server_without_any_channel(
    client: httpx2.AsyncClient, backends: Backends, person: SignedIn
) -> None:
    run_id = (await ask(client, person, await begin(client, person), "endless"))["run"]["id"]
    await read_some(client, person, run_id, 10)
    async with backends.database.unit() as session:
        assert await RunRepository(session).request_cancel(UUID(run_id), utc_now())
    async with asyncio.timeout(2):
        assert (await ended(client, person, run_id))["state"] == "cancelled"


async def test_nonsense_on_the_cancel_channel_is_survived(
    client: httpx2.AsyncClient, backends: Backends, person: SignedIn
) -> None:
    await backends.cache.publish(CANCEL_CHANNEL, "no id")
    run_id = (await ask(client, person, await begin(client, person), "endless"))["run"]["id"]
    await client.post(f"{CHAT}/runs/{run_id}/cancel", headers=person.headers)
    async with asyncio.timeout(4):
        assert (await ended(client, person, run_id))["state"] == "cancelled"


async def test_nothing_is_added_to_a_run_that_has_ended(
    client: httpx2.AsyncClient, backends: Backends, person: SignedIn
) -> None:
    run_id = UUID((await ask(client, person, await begin(client, person)))["run"]["id"])
    await ended(client, person, str(run_id))
    async with backends.database.unit() as session:
        before = await RunRepository(session).stored_length(run_id)
        await RunRepository(session).append([Piece(run_id, 999, "late"), Piece(new_id(), 4, "gone")], utc_now())
        assert await RunRepository(session).stored_length(run_id) == before


async def test_house_keeping_forgets_logs_and_keys_and_keeps_the_text(
    client: httpx2.AsyncClient, backends: Backends, person: SignedIn
) -> None:
    conversation = await begin(client, person)
    path = f"{CHAT}/conversations/{conversation}/messages"
    headers = person.headers | {"Idempotency-Key": "once"}
    run_id = (await client.post(path, json={"content": "?"}, headers=headers)).json()["run"]["id"]
    await ended(client, person, run_id)
    before = await messages(client, person, conversation)
    at_once = replace(backends, retention=replace(backends.retention, run_logs=0, idempotency_keys=0))
    delivery = Delivery(new_id(), utc_now(), at_once)
    await sweep_run_logs(HousekeepingDue(), delivery)
    await forget_idempotency_keys(HousekeepingDue(), delivery)
    async with backends.database.read_unit() as session:
        assert await RunRepository(session).stored_length(UUID(run_id)) == 0
    assert await messages(client, person, conversation) == before
    assert (await client.post(path, json={"content": "else"}, headers=headers)).status_code == 202
