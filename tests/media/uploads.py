"""Uploads as a client does them: announce, PUT each part with the given headers and nothing else, complete."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
from tests.factories import SignedIn

from madang.settings import Settings

MEDIA = "/api/v1/media"
FLAC = "audio/flac"


def announcement(content: bytes, **changes: Any) -> dict[str, Any]:
    return {"filename": "speech.flac", "content_type": FLAC, "size": len(content)} | changes


async def announce(client: httpx2.AsyncClient, person: SignedIn, content: bytes, **changes: Any) -> dict[str, Any]:
    answer = await client.post(MEDIA, json=announcement(content, **changes), headers=person.headers)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def put(client: httpx2.AsyncClient, part: dict[str, Any], content: bytes) -> httpx2.Response:
    """Send one part's share of the file; no credential but the link."""
    share = content[part["offset"] : part["offset"] + part["size"]]
    return await client.request(part["method"], part["url"], content=share, headers=part["headers"])


async def complete(
    client: httpx2.AsyncClient, person: SignedIn, media_id: str, body: dict[str, Any] | None = None
) -> httpx2.Response:
    return await client.post(f"{MEDIA}/{media_id}/complete", json=body, headers=person.headers)


async def look_up(client: httpx2.AsyncClient, person: SignedIn, media_id: str) -> dict[str, Any]:
    answer = await client.get(f"{MEDIA}/{media_id}", headers=person.headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def upload(client: httpx2.AsyncClient, person: SignedIn, content: bytes, **changes: Any) -> httpx2.Response:
    """The whole way; returns the answer of completing."""
    announced = await announce(client, person, content, **changes)
    for part in announced["parts"]:
        answer = await put(client, part, content)
        assert answer.status_code == 200, answer.text
    return await complete(client, person, announced["id"])


async def ready_media(client: httpx2.AsyncClient, person: SignedIn, content: bytes, **changes: Any) -> dict[str, Any]:
    answer = await upload(client, person, content, **changes)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def stored_files(settings: Settings) -> list[Path]:
    """Everything in the storage's folder, whole or not."""
    return [path for path in (settings.data_dir / "media").rglob("*") if path.is_file()]


async def until_stored(settings: Settings, count: int) -> None:
    """Wait until so many files are there: handlers and broken connections remove theirs a moment later."""
    async with asyncio.timeout(20):
        while len(stored_files(settings)) != count:  # noqa: ASYNC110 - the folder tells nobody
            await asyncio.sleep(0.01)
