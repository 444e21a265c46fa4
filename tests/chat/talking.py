"""What the tests of chat say and read."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx2

from tests.factories import SignedIn

CHAT = "/api/v1/chat"


class Received(NamedTuple):
    id: int
    event: str
    data: dict[str, Any]


async def begin(client: httpx2.AsyncClient, person: SignedIn) -> str:
    answer = await client.post(f"{CHAT}/conversations", json={}, headers=person.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def ask(
    client: httpx2.AsyncClient, person: SignedIn, conversation: str, model: str | None = None, **fields: Any
) -> dict[str, Any]:
    """Ask; the answer `{message, run}`."""
    body = {"content": "무엇을 할 수 있나요?"} | ({"model": model} if model else {}) | fields
    answer = await client.post(f"{CHAT}/conversations/{conversation}/messages", json=body, headers=person.headers)
    assert answer.status_code == 202, answer.text
    asked: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{CHAT}/runs/{asked['run']['id']}"
    return asked


async def events(response: httpx2.Response) -> AsyncIterator[Received]:
    assert response.status_code == 200, await response.aread()
    assert response.headers["content-type"].startswith("text/event-stream")
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Received(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}


async def follow(
    client: httpx2.AsyncClient, person: SignedIn, run_id: str, last_id: int | None = None
) -> list[Received]:
    """All events of a run after an id."""
    headers = person.headers | ({} if last_id is None else {"Last-Event-ID": str(last_id)})
    async with client.stream("GET", f"{CHAT}/runs/{run_id}/events", headers=headers) as response:
        return [event async for event in events(response)]


def text_of(received: list[Received], before: str = "") -> str:
    """What a reader shows who had read `before`."""
    shown = before
    for one in received:
        if one.event == "delta":
            shown += one.data["text"]
        if one.event == "reset":
            shown = one.data["text"]
        if one.event != "run":
            assert one.id == len(shown)
    return shown


async def messages(client: httpx2.AsyncClient, person: SignedIn, conversation: str) -> list[dict[str, Any]]:
    answer = await client.get(f"{CHAT}/conversations/{conversation}/messages?limit=100", headers=person.headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def ended(client: httpx2.AsyncClient, person: SignedIn, run_id: str) -> dict[str, Any]:
    """The run once it has ended."""
    async with asyncio.timeout(20):
        while True:
            answer = await client.get(f"{CHAT}/runs/{run_id}", headers=person.headers)
            run: dict[str, Any] = answer.json()
            if run["state"] != "running":
                return run
            await asyncio.sleep(0.02)
