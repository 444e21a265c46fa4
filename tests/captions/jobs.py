"""Caption jobs as a client sees them: upload, request, follow to the end."""

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx2
from tests.factories import SignedIn
from tests.media.uploads import ready_media

CAPTIONS = "/api/v1/captions"
Json = dict[str, Any]


class Told(NamedTuple):
    id: int
    event: str
    data: Json


async def request(client: httpx2.AsyncClient, person: SignedIn, content: bytes, **choices: Any) -> Json:
    """Upload a file and ask for its captions."""
    name, kind = choices.pop("filename", "speech.flac"), choices.pop("content_type", "audio/flac")
    media = await ready_media(client, person, content, filename=name, content_type=kind)
    return await request_for(client, person, media["id"], **choices)


async def request_for(client: httpx2.AsyncClient, person: SignedIn, media_id: str, **choices: Any) -> Json:
    answer = await client.post(CAPTIONS, json={"media_id": media_id, **choices}, headers=person.headers)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{CAPTIONS}/{answer.json()['id']}"
    body: Json = answer.json()
    return body


async def look_up(client: httpx2.AsyncClient, person: SignedIn, caption_id: str) -> Json:
    answer = await client.get(f"{CAPTIONS}/{caption_id}", headers=person.headers)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


async def follow(
    client: httpx2.AsyncClient, person: SignedIn, caption_id: str, after: int | None = None
) -> AsyncIterator[Told]:
    headers = person.headers | ({} if after is None else {"Last-Event-ID": str(after)})
    async with client.stream("GET", f"{CAPTIONS}/{caption_id}/events", headers=headers, timeout=60) as stream:
        assert stream.status_code == 200
        fields: dict[str, str] = {}
        async for line in stream.aiter_lines():
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                yield Told(int(fields["id"]), fields["event"], json.loads(fields["data"]))
                fields = {}


async def until_done(client: httpx2.AsyncClient, person: SignedIn, caption_id: str, after: int = 0) -> Json:
    """The finished caption, as the last event tells it."""
    told = [entry async for entry in follow(client, person, caption_id, after)]
    assert told[-1].event == "done"
    return told[-1].data


async def until_recognising(client: httpx2.AsyncClient, person: SignedIn, caption_id: str, after: int = 0) -> Told:
    async for told in follow(client, person, caption_id, after):
        if told.data.get("stage") == "recognising":
            return told
    raise AssertionError("the job ended before it was seen at work")
