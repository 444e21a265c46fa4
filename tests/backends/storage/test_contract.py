"""What every adapter of the storage port has to do; one opener for each of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import httpx2
import pytest
from tests.peers.s3_server import new_bucket, storage_url

from madang.backends.storage import open_storage
from madang.backends.storage.base import InvalidKey, NotStored, SignedRequest, Storage, StoredPart, UploadOver
from madang.backends.storage.local import LocalStorage
from madang.db.session import Database
from madang.kit.secrets import Keyring
from madang.settings import BadSettings

HOUR = timedelta(hours=1)
FLAC = "audio/flac"
FULL_PART = b"0123456789abcdef" * (5 << 16)  # the least that S3 takes for any part but the last
CLIMBING = ["", "/etc/passwd", "../secret", "media/../../secret", "media//a", "media/", "media/.hidden", ".", "C:a"]
ODD = ["a\0b", "a b", "media\\a", "media/a\n", "미디어/a", "%2e%2e/a", "a?b", "a" * 201]
KEYRING = Keyring(["0123456789abcdef" * 4])


class Opened(Protocol):
    """An adapter, and the way a client's PUT reaches it."""

    @property
    def storage(self) -> Storage: ...

    async def put(self, request: SignedRequest, content: bytes) -> StoredPart: ...


class OpenedLocal:
    def __init__(self, folder: Path) -> None:
        opened = open_storage(f"file:{folder}/media", KEYRING, "")
        assert isinstance(opened, LocalStorage)
        self.storage = opened

    async def put(self, request: SignedRequest, content: bytes) -> StoredPart:
        link = self.storage.links.read(request.url.rpartition("/")[2], request.method)
        return await self.storage.receive(link, pieces(content))


class OpenedS3:
    def __init__(self, url: str) -> None:
        self.storage = open_storage(url, KEYRING, "")

    async def put(self, request: SignedRequest, content: bytes) -> StoredPart:
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
            answer = await client.request(request.method, request.url, content=content, headers=request.headers)
        assert answer.status_code == 200, answer.text
        number = int(httpx2.URL(request.url).params["partNumber"])
        return StoredPart(number, answer.headers["etag"].strip('"'), len(content))


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.timeout(900))])  # the first use downloads it
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    if request.param == "local":
        yield OpenedLocal(tmp_path)
        return
    server = request.getfixturevalue("s3")
    adapter = OpenedS3(storage_url(server, new_bucket(server), prefix="team/files"))
    yield adapter
    await adapter.storage.close()


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


async def send(opened: Opened, key: str, number: int, content: bytes) -> StoredPart:
    signed = await opened.storage.upload_parts(key, {number: len(content)}, FLAC, HOUR)
    return await opened.put(signed[number], content)


async def stored(storage: Storage, key: str) -> bytes:
    async with storage.local_copy(key) as path:
        return await asyncio.to_thread(path.read_bytes)


async def test_parts_are_joined_in_order_whatever_order_they_came_in(opened: Opened) -> None:
    last = await send(opened, "media/a", 10, b"end")
    first = await send(opened, "media/a", 2, FULL_PART)
    assert await opened.storage.uploaded_parts("media/a") == [first, last]
    assert await opened.storage.complete("media/a") == len(FULL_PART) + 3
    assert await stored(opened.storage, "media/a") == FULL_PART + b"end"


async def test_a_part_sent_again_replaces_the_earlier_one(opened: Opened) -> None:
    earlier = await send(opened, "media/a", 1, b"wrong")
    later = await send(opened, "media/a", 1, b"right")
    assert earlier.etag != later.etag
    assert await opened.storage.uploaded_parts("media/a") == [later]
    await opened.storage.complete("media/a")
    assert await stored(opened.storage, "media/a") == b"right"


async def test_completing_again_and_at_once_changes_nothing(opened: Opened) -> None:
    for number in range(1, 4):
        await send(opened, "media/a", number, FULL_PART)
    sizes = await asyncio.gather(*(opened.storage.complete("media/a") for _ in range(5)))
    assert sizes == [3 * len(FULL_PART)] * 5
    assert await opened.storage.complete("media/a") == 3 * len(FULL_PART)
    assert await opened.storage.uploaded_parts("media/a") == []


async def test_nothing_uploaded_is_nothing_to_complete_or_to_read(opened: Opened) -> None:
    assert await opened.storage.uploaded_parts("media/none") == []
    with pytest.raises(NotStored):
        await opened.storage.complete("media/none")
    with pytest.raises(NotStored):
        await stored(opened.storage, "media/none")


async def test_deleting_removes_file_and_parts_and_absence_is_fine(opened: Opened) -> None:
    await send(opened, "media/a", 1, b"whole")
    await opened.storage.complete("media/a")
    await send(opened, "media/b", 1, b"part")
    for key in ("media/a", "media/b", "media/a", "media/never"):
        await opened.storage.delete(key)
    with pytest.raises(NotStored):
        await opened.storage.complete("media/a")
    assert await opened.storage.uploaded_parts("media/b") == []


async def test_a_complete_file_takes_no_more_parts_and_no_link_made_before_changes_it(opened: Opened) -> None:
    earlier = await opened.storage.upload_parts("media/a", {1: 5, 2: 5}, FLAC, HOUR)
    await opened.put(earlier[1], b"right")
    await opened.storage.complete("media/a")
    with pytest.raises(UploadOver):
        await opened.storage.upload_parts("media/a", {1: 5}, FLAC, HOUR)
    for request in earlier.values():
        with pytest.raises((UploadOver, AssertionError)):
            await opened.put(request, b"wrong")
    assert await opened.storage.complete("media/a") == 5
    assert await stored(opened.storage, "media/a") == b"right"


async def test_links_made_at_once_lead_into_the_same_upload(opened: Opened) -> None:
    numbers = range(1, 6)
    signed = await asyncio.gather(*(opened.storage.upload_parts("media/a", {one: 5}, FLAC, HOUR) for one in numbers))
    for number, links in zip(numbers, signed, strict=True):
        await opened.put(links[number], b"12345")
    assert [part.part_number for part in await opened.storage.uploaded_parts("media/a")] == list(numbers)


async def test_a_file_of_this_machine_is_stored_and_replaces_the_former_one(opened: Opened, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for content in (b"first", FULL_PART):
        source.write_bytes(content)
        await opened.storage.put("exports/a", source)
        assert await stored(opened.storage, "exports/a") == content


async def test_uploads_that_were_never_completed_are_swept_in_their_folder_alone(opened: Opened) -> None:
    await send(opened, "media/a", 1, b"old")
    await send(opened, "other/b", 1, b"other")
    await send(opened, "media/c", 1, b"whole")
    await opened.storage.complete("media/c")
    await opened.storage.sweep("media", datetime.now(UTC) - HOUR)
    assert len(await opened.storage.uploaded_parts("media/a")) == 1
    await opened.storage.sweep("media", datetime.now(UTC) + HOUR)
    assert await opened.storage.uploaded_parts("media/a") == []
    assert len(await opened.storage.uploaded_parts("other/b")) == 1
    assert await stored(opened.storage, "media/c") == b"whole"


@pytest.mark.parametrize("key", CLIMBING + ODD)
async def test_keys_that_are_not_ours_are_refused_everywhere(opened: Opened, key: str) -> None:
    storage = opened.storage
    attempts = [
        storage.upload_parts(key, {1: 1}, FLAC, HOUR),
        storage.download(key, "a.flac", FLAC, attachment=False, expires_in=HOUR),
        storage.uploaded_parts(key),
        storage.complete(key),
        storage.put(key, Path(__file__)),
        storage.delete(key),
        stored(storage, key),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidKey):
            await attempt


async def test_no_call_waits_for_the_storage_inside_a_unit_of_work(opened: Opened, database: Database) -> None:
    async with database.unit():
        for attempt in (
            opened.storage.upload_parts("media/a", {1: 1}, FLAC, HOUR),
            opened.storage.download("media/a", "a", FLAC, attachment=False, expires_in=HOUR),
            opened.storage.uploaded_parts("media/a"),
            opened.storage.complete("media/a"),
            opened.storage.put("media/a", Path(__file__)),
            opened.storage.delete("media/a"),
            opened.storage.sweep("media", datetime.now(UTC)),
            stored(opened.storage, "media/a"),
        ):
            with pytest.raises(RuntimeError, match="unit of work"):
                await attempt


async def test_an_unknown_scheme_names_the_setting() -> None:
    with pytest.raises(BadSettings, match="MADANG_STORAGE_URL"):
        open_storage("ftp://host/", KEYRING, "")
