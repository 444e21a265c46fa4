import asyncio

import httpx2
import pytest

from tests.chat.talking import CHAT, ask, begin, ended, events, follow, messages, text_of
from tests.factories import SignedIn
from tests.upstreams import TEXT, Upstream

SAID = "Hello, 안녕"


async def test_the_streamed_answer_is_the_stored_one(client: httpx2.AsyncClient, person: SignedIn) -> None:
    conversation = await begin(client, person)
    path = f"{CHAT}/conversations/{conversation}/messages"
    headers = person.headers | {"Accept": "text/event-stream"}
    async with client.stream("POST", path, json={"content": "?"}, headers=headers) as response:
        received = [event async for event in events(response)]
    assert (received[0].event, received[0].id, received[0].data["state"]) == ("run", 0, "running")
    assert (received[-1].event, received[-1].data["state"]) == ("done", "succeeded")
    assert response.headers["location"] == f"{CHAT}/runs/{received[0].data['id']}"
    stored = (await messages(client, person, conversation))[1]["content"]
    assert text_of(received).encode() == stored.encode() == TEXT.encode()
    run = await ended(client, person, received[0].data["id"])
    assert run == received[-1].data


async def test_an_answer_is_resumed_from_any_id(client: httpx2.AsyncClient, person: SignedIn) -> None:
    asked = await ask(client, person, await begin(client, person))
    await ended(client, person, asked["run"]["id"])
    for last_id in range(len(TEXT)):
        received = await follow(client, person, asked["run"]["id"], last_id)
        assert text_of(received, TEXT[:last_id]) == TEXT
        assert [event.event for event in received] == ["run", "delta", "run", "done"]
    path = f"{CHAT}/runs/{asked['run']['id']}/events"
    over = await client.get(path, headers=person.headers | {"Last-Event-ID": str(len(TEXT))})
    assert (over.status_code, over.content) == (204, b"")
    nonsense = await client.get(path, headers=person.headers | {"Last-Event-ID": "seven"})
    assert nonsense.status_code == 422


async def test_a_reader_ahead_of_what_is_stored_is_reset(client: httpx2.AsyncClient, person: SignedIn) -> None:
    asked = await ask(client, person, await begin(client, person))
    await ended(client, person, asked["run"]["id"])
    received = await follow(client, person, asked["run"]["id"], len(TEXT) + 5)
    assert [event.event for event in received] == ["run", "reset", "run", "done"]
    assert text_of(received, "something else entirely") == TEXT


async def test_reloading_in_the_middle_goes_on_where_it_was(
    client: httpx2.AsyncClient, person: SignedIn, upstream: Upstream
) -> None:
    run_id = (await ask(client, person, await begin(client, person), "slow"))["run"]["id"]
    read = ""
    async with client.stream("GET", f"{CHAT}/runs/{run_id}/events", headers=person.headers) as response:
        async for event in events(response):
            read += event.data.get("text", "")
            if read == SAID:
                break
    rest = asyncio.create_task(follow(client, person, run_id, len(read)))
    await asyncio.sleep(0.3)
    upstream.go_on.set()
    assert text_of(await rest, read) == TEXT


async def test_two_readers_read_the_same(client: httpx2.AsyncClient, person: SignedIn, upstream: Upstream) -> None:
    run_id = (await ask(client, person, await begin(client, person), "slow"))["run"]["id"]
    readers = [asyncio.create_task(follow(client, person, run_id)) for _ in range(3)]
    await asyncio.sleep(0.3)
    upstream.go_on.set()
    assert [text_of(await reader) for reader in readers] == [TEXT] * 3


async def test_closing_the_page_loses_nothing(client: httpx2.AsyncClient, person: SignedIn, upstream: Upstream) -> None:
    conversation = await begin(client, person)
    path = f"{CHAT}/conversations/{conversation}/messages"
    headers = person.headers | {"Accept": "text/event-stream"}
    body = {"content": "?", "model": "slow"}
    async with client.stream("POST", path, json=body, headers=headers) as response:
        run_id = (await anext(events(response))).data["id"]
    upstream.go_on.set()
    assert (await ended(client, person, run_id))["state"] == "succeeded"
    assert (await messages(client, person, conversation))[1]["content"] == TEXT


async def test_cancelling_keeps_what_was_said_and_stops_the_upstream(
    client: httpx2.AsyncClient, person: SignedIn, upstream: Upstream
) -> None:
    conversation = await begin(client, person)
    run_id = (await ask(client, person, conversation, "endless"))["run"]["id"]
    reader = asyncio.create_task(follow(client, person, run_id))
    await asyncio.sleep(0.5)
    loop = asyncio.get_running_loop()
    asked_at = loop.time()
    answer = await client.post(f"{CHAT}/runs/{run_id}/cancel", headers=person.headers)
    assert answer.status_code == 202
    received = await reader
    await upstream.is_streaming(wanted=False)
    assert loop.time() - asked_at < 2
    assert (received[-1].event, received[-1].data["state"], received[-1].data["error"]) == ("done", "cancelled", None)
    said = (await messages(client, person, conversation))[1]
    assert said["status"] == "cancelled"
    assert said["content"] == text_of(received)
    assert said["content"].startswith("word word ")
    again = await client.post(f"{CHAT}/runs/{run_id}/cancel", headers=person.headers)
    assert (again.status_code, again.json()["state"]) == (202, "cancelled")
    await ended(client, person, (await ask(client, person, conversation))["run"]["id"])


@pytest.mark.parametrize(
    ("model", "said", "code"),
    [
        ("401", "", "upstream-failed"),
        ("500", "", "upstream-failed"),
        ("429-later", "", "upstream-busy"),
        ("hang-first", "", "upstream-timeout"),
        ("hang-middle", SAID, "upstream-timeout"),
        ("cut", SAID, "upstream-broken"),
        ("garbage", "", "upstream-failed"),
        ("garbage-middle", SAID, "upstream-broken"),
        ("error-first", "", "upstream-failed"),
        ("error-middle", SAID, "upstream-broken"),
        ("long-line", "", "answer-too-long"),
    ],
)
async def test_a_failing_upstream_fails_the_run_and_nothing_else(
    client: httpx2.AsyncClient, person: SignedIn, model: str, said: str, code: str
) -> None:
    conversation = await begin(client, person)
    run_id = (await ask(client, person, conversation, model))["run"]["id"]
    received = await follow(client, person, run_id)
    assert text_of(received) == said
    assert (received[-1].event, received[-1].data["state"]) == ("done", "failed")
    assert received[-1].data["error"]["code"] == code
    answer = (await messages(client, person, conversation))[1]
    assert (answer["content"], answer["status"]) == (said, "failed")
    assert "SECRET" not in str(received)
    after = await ask(client, person, conversation)
    assert (await ended(client, person, after["run"]["id"]))["state"] == "succeeded"


async def test_the_reason_of_a_failure_is_told_in_the_readers_language(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    run_id = (await ask(client, person, await begin(client, person), "cut"))["run"]["id"]
    await ended(client, person, run_id)
    korean = await client.get(f"{CHAT}/runs/{run_id}", headers=person.headers | {"Accept-Language": "ko"})
    assert korean.json()["error"]["detail"].startswith("모델 서버가")


async def test_deleting_a_conversation_stops_its_answer(
    client: httpx2.AsyncClient, person: SignedIn, upstream: Upstream
) -> None:
    conversation = await begin(client, person)
    run_id = (await ask(client, person, conversation, "endless"))["run"]["id"]
    reader = asyncio.create_task(follow(client, person, run_id))
    await asyncio.sleep(0.5)
    assert (await client.delete(f"{CHAT}/conversations/{conversation}", headers=person.headers)).status_code == 204
    async with asyncio.timeout(5):
        assert (await reader)[-1].event == "delta"
    await upstream.is_streaming(wanted=False)
