"""The embedded storage: a folder. Links to it are served by the `media` feature.

`parts/<key>/<number>` holds what has arrived, `files/<key>` what is complete. Whatever becomes visible was written
under a temporary name and synced first. A complete file is a hard link that never replaces another: it can't change
under someone who has checked its content, whoever still holds a link to upload.
"""

import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import uuid4

from anyio import to_thread

from madang.backends.storage.base import Fault, NotStored, SignedRequest, StorageUnavailable, StoredPart, UploadOver
from madang.backends.storage.keys import check_key
from madang.backends.storage.links import Link, Links
from madang.kit.disposition import content_disposition
from madang.kit.unit_guard import forbid_in_unit

_BLOCK = 1 << 20
_PART = re.compile(r"\d{5}")
_RETRY_SECONDS = 10
T = TypeVar("T")


class WrongSize(Exception):
    """A part's body had more (`too_long`) or fewer bytes than its link allows; nothing of it is kept."""

    def __init__(self, *, too_long: bool) -> None:
        super().__init__(too_long)
        self.too_long = too_long


class LocalStorage:
    """Also receives parts and hands out paths, which is what the signed links of other storages do elsewhere."""

    def __init__(self, folder: Path, links: Links) -> None:
        self._files = folder / "files"
        self._parts = folder / "parts"
        self.links = links

    async def upload_parts(
        self, key: str, sizes: Mapping[int, int], content_type: str, expires_in: timedelta
    ) -> dict[int, SignedRequest]:
        await _run(lambda: _require_open(self._file(key)))
        headers = {"Content-Type": content_type}

        def sign(number: int, size: int) -> SignedRequest:
            link = Link(method="PUT", key=key, content_type=content_type, part_number=number, size=size)
            return SignedRequest("PUT", self.links.url(link, expires_in), headers)

        return {number: sign(number, size) for number, size in sizes.items()}

    async def download(
        self, key: str, filename: str, content_type: str, *, attachment: bool, expires_in: timedelta
    ) -> SignedRequest:
        forbid_in_unit("signing a download")
        disposition = content_disposition(filename, attachment=attachment)
        link = Link(method="GET", key=check_key(key), content_type=content_type, disposition=disposition)
        return SignedRequest("GET", self.links.url(link, expires_in))

    async def uploaded_parts(self, key: str) -> list[StoredPart]:
        return await _run(lambda: _list_parts(self._file(key), self._folder(key)))

    async def complete(self, key: str) -> int:
        return await _run(lambda: _complete(self._file(key), self._folder(key)))

    async def put(self, key: str, source: Path) -> None:
        await _run(lambda: _copy(source, self._file(key)))

    async def delete(self, key: str) -> None:
        await _run(lambda: _delete(self._file(key), self._folder(key)))

    async def sweep(self, folder: str, before: datetime) -> None:
        await _run(lambda: _sweep(self._folder(folder), before.timestamp()))

    async def check(self, origins: Sequence[str], *, fix: bool = False) -> list[Fault]:  # noqa: ARG002 - our own origin serves it
        return await _run(lambda: _faults(self._files.parent))

    async def close(self) -> None:
        """Nothing is held open."""

    def __str__(self) -> str:
        return f"file:{self._files.parent}"

    @asynccontextmanager
    async def local_copy(self, key: str) -> AsyncIterator[Path]:
        yield await self.path(key)

    async def path(self, key: str) -> Path:
        """Where the complete file lies; raises `NotStored`."""
        return await _run(lambda: _existing(self._file(key)))

    async def receive(self, link: Link, body: AsyncIterator[bytes]) -> StoredPart:
        """Store one part from its body, replacing it if it came before; raises `WrongSize` or `UploadOver`."""
        folder = self._folder(link.key)
        temporary = folder / f"{uuid4().hex}.tmp"
        file = await _run(lambda: _open_part(self._file(link.key), folder, temporary))
        try:
            await _write(file, body, link.size)
            return await _run(lambda: _publish_part(file, temporary, folder / f"{link.part_number:05}"))
        finally:
            await _run(lambda: _discard(file, temporary))

    def _file(self, key: str) -> Path:
        return self._files / check_key(key)

    def _folder(self, key: str) -> Path:
        return self._parts / check_key(key)


async def _run(work: Callable[[], T]) -> T:
    """In a thread, since the disk may take its time."""
    forbid_in_unit("using the storage")
    try:
        return await to_thread.run_sync(work)
    except OSError as error:
        raise StorageUnavailable(retry_after=_RETRY_SECONDS, seconds=_RETRY_SECONDS) from error


async def _write(file: BinaryIO, body: AsyncIterator[bytes], size: int) -> None:
    """Write in blocks, because a hop to a thread for every packet costs more than the write."""
    received, block = 0, bytearray()
    async for chunk in body:
        received += len(chunk)
        if received > size:
            raise WrongSize(too_long=True)
        block += chunk
        if len(block) >= _BLOCK:
            await _run(lambda full=bytes(block): file.write(full))  # type: ignore[misc]
            block.clear()
    if received < size:
        raise WrongSize(too_long=False)
    await _run(lambda: file.write(block))


def _require_open(file: Path) -> None:
    if file.exists():
        raise UploadOver


def _open_part(file: Path, folder: Path, temporary: Path) -> BinaryIO:
    _require_open(file)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return temporary.open("xb")


def _publish_part(file: BinaryIO, temporary: Path, part: Path) -> StoredPart:
    _sync(file)
    try:
        temporary.replace(part)
        _sync_folder(part.parent)
        return _stored(part)
    except FileNotFoundError:  # completing and deleting take the folder away
        raise UploadOver from None


def _discard(file: BinaryIO, temporary: Path) -> None:
    file.close()
    temporary.unlink(missing_ok=True)


def _list_parts(file: Path, folder: Path) -> list[StoredPart]:
    if file.exists():
        return []
    try:
        return [_stored(part) for part in _parts_in(folder)]
    except FileNotFoundError:  # completed or deleted meanwhile
        return []


def _parts_in(folder: Path) -> list[Path]:
    return sorted(part for part in folder.iterdir() if _PART.fullmatch(part.name))


def _stored(part: Path) -> StoredPart:
    """The tag tells one arrival of a part from another, without reading the content again for it."""
    status = part.stat()
    return StoredPart(int(part.name), f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}", status.st_size)


def _complete(file: Path, folder: Path) -> int:
    if not file.exists():
        try:
            _join(file, folder)
        except FileNotFoundError:  # no part came, or another caller has just finished the same work
            if not file.exists():
                raise NotStored(folder.name) from None
    shutil.rmtree(folder, ignore_errors=True)
    return _size(file)


def _join(file: Path, folder: Path) -> None:
    parts = _parts_in(folder)
    if not parts:
        raise NotStored(folder.name)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if len(parts) == 1:
        _link(parts[0], file)
        return
    joined = folder / f"{uuid4().hex}.tmp"
    try:
        _concatenate(parts, joined)
        _link(joined, file)
    finally:
        joined.unlink(missing_ok=True)


def _concatenate(parts: list[Path], target: Path) -> None:
    with target.open("xb") as out:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, out, _BLOCK)
        _sync(out)


def _link(source: Path, file: Path) -> None:
    with suppress(FileExistsError):  # whoever came first stays
        file.hardlink_to(source)
    _sync_folder(file.parent)


def _copy(source: Path, file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{uuid4().hex}.tmp")
    try:
        with source.open("rb") as reading, temporary.open("xb") as writing:
            shutil.copyfileobj(reading, writing, _BLOCK)
            _sync(writing)
        temporary.replace(file)
        _sync_folder(file.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _delete(file: Path, folder: Path) -> None:
    file.unlink(missing_ok=True)
    while folder.exists():
        with suppress(FileNotFoundError):  # an upload that breaks off at this moment removes its own
            shutil.rmtree(folder)


def _sweep(folder: Path, before: float) -> None:
    """A part that arrives makes its folder younger."""
    for upload in folder.glob("*"):
        with suppress(FileNotFoundError):
            if upload.stat().st_mtime < before:
                shutil.rmtree(upload, ignore_errors=True)


def _faults(folder: Path) -> list[Fault]:
    nearest = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    if os.access(nearest, os.W_OK | os.X_OK):
        return []
    advice = f"let this user write to {nearest}, or set MADANG_STORAGE_URL to another folder"
    return [Fault(f"file:{folder} can't be written", advice)]


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise NotStored(file.name)
    return file


def _size(file: Path) -> int:
    return _existing(file).stat().st_size


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """So that the new name survives a power cut too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
