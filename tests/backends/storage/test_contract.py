"""What every adapter of the storage port has to do; one opener for each of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest

from madang.backends.storage import open_storage
from madang.backends.storage.base import InvalidKey, NotStored, SignedRequest, Storage, StoredPart
from madang.backends.storage.local import LocalStorage
from madang.db.session import Database
from madang.kit.secrets import Keyring
from madang.settings import BadSettings

HOUR = timedelta(hours=1)
FLAC = "audio/flac"
CLIMBING = ["", "/etc/passwd", "../secret", "media/../../secret", "media//a", "media/", "media/.hidden", ".", "C:a"]
ODD = ["a\0b", "a b", "media\\a", "media/a\n", "미디어/a", "%2e%2e/a", "a?b", "a" * 201]
KEYRING = Keyring(["0123456789abcdef" * 4])


class Opened(Protocol):
    """An adapter, and the way a client's PUT reaches it."""

    storage: Storage

    async def put(self, request: SignedRequest, content: bytes) -> StoredPart: ...


class OpenedLocal:
    def __init__(self, folder: Path) -> None:
        opened = open_storage(f"file:{folder}/media", KEYRING, "")
        assert isinstance(opened, LocalStorage)
        self.storage = opened

    async def put(self, request: SignedRequest, content: bytes) -> StoredPart:
        link = self.storage.links.read(request.url.rpartition("/")[2], request.method)
        return await self.storage.receive(link, pieces(content))


@pytest.fixture(params=[OpenedLocal])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    adapter: Opened = request.param(tmp_path)
    return adapter


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


async def send(opened: Opened, key: str, number: int, content: bytes) -> StoredPart:
    return await opened.put(await opened.storage.upload_part(key, number, len(content), FLAC, HOUR), content)


async def stored(storage: Storage, key: str) -> bytes:
    async with storage.local_copy(key) as path:
        return await asyncio.to_thread(path.read_bytes)


async def test_parts_are_joined_in_order_whatever_order_they_came_in(opened: Opened) -> None:
    last = await send(opened, "media/a", 10, b"end")
    first = await send(opened, "media/a", 2, b"start ")
    assert await opened.storage.uploaded_parts("media/a") == [first, last]
    assert await opened.storage.complete("media/a") == 9
    assert await stored(opened.storage, "media/a") == b"start end"


async def test_a_part_sent_again_replaces_the_earlier_one(opened: Opened) -> None:
    earlier = await send(opened, "media/a", 1, b"wrong")
    later = await send(opened, "media/a", 1, b"right")
    assert earlier.etag != later.etag
    assert await opened.storage.uploaded_parts("media/a") == [later]
    await opened.storage.complete("media/a")
    assert await stored(opened.storage, "media/a") == b"right"


async def test_completing_again_and_at_once_changes_nothing(opened: Opened) -> None:
    for number in range(1, 6):
        await send(opened, "media/a", number, b"0123456789" * 1000)
    sizes = await asyncio.gather(*(opened.storage.complete("media/a") for _ in range(5)))
    assert sizes == [50_000] * 5
    assert await opened.storage.complete("media/a") == 50_000
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


@pytest.mark.parametrize("key", CLIMBING + ODD)
async def test_keys_that_are_not_ours_are_refused_everywhere(opened: Opened, key: str) -> None:
    storage = opened.storage
    attempts = [
        storage.upload_part(key, 1, 1, FLAC, HOUR),
        storage.download(key, "a.flac", FLAC, attachment=False, expires_in=HOUR),
        storage.uploaded_parts(key),
        storage.complete(key),
        storage.delete(key),
        stored(storage, key),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidKey):
            await attempt


async def test_no_call_waits_for_the_storage_inside_a_unit_of_work(opened: Opened, database: Database) -> None:
    async with database.unit():
        for attempt in (
            opened.storage.upload_part("media/a", 1, 1, FLAC, HOUR),
            opened.storage.download("media/a", "a", FLAC, attachment=False, expires_in=HOUR),
            opened.storage.uploaded_parts("media/a"),
            opened.storage.complete("media/a"),
            opened.storage.delete("media/a"),
            stored(opened.storage, "media/a"),
        ):
            with pytest.raises(RuntimeError, match="unit of work"):
                await attempt


async def test_an_unknown_scheme_names_the_setting() -> None:
    with pytest.raises(BadSettings, match="MADANG_STORAGE_URL"):
        open_storage("ftp://host/", KEYRING, "")
