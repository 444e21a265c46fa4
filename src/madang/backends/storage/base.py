"""What the storage port promises: files under keys of our own making, uploaded in parts by signed requests."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from madang.kit.problems import Text, Unavailable


class InvalidKey(ValueError):
    """The key is not of our making; it never reaches a disk or a bucket."""


class NotStored(Exception):
    """Nothing is stored under the key."""


class UploadOver(Exception):
    """The file is complete, or was deleted while a part arrived: it takes nothing more."""


class StorageUnavailable(Unavailable):
    code = "storage-unavailable"
    title = Text("The storage does not answer", "저장소가 응답하지 않습니다")
    detail = Text(
        "The file could not be read or written; try again in {seconds} s.",
        "파일을 읽거나 쓸 수 없습니다. {seconds}초 뒤에 다시 시도하세요.",
    )


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that a client may send without any other credential until it expires.

    A `url` that starts with `/` is relative to this server, for an installation that does not know its public URL.
    """

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One part that has arrived; sizes in bytes."""

    part_number: int
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that keeps the storage from serving; `is_fatal` when it can't do its work at all, or is unsafe."""

    seen: str
    advice: str
    is_fatal: bool = True


class Storage(Protocol):
    """Keys are relative paths of letters, digits, `-`, `_`, `.` and `/`; any other raises `InvalidKey`.

    `str()` of a storage is its address for people, without its secrets.
    """

    async def upload_parts(
        self, key: str, sizes: Mapping[int, int], content_type: str, expires_in: timedelta
    ) -> dict[int, SignedRequest]:
        """Where to PUT the parts of these numbers and sizes; type and exact size are bound by each signature.

        Every part but the last has 5 MiB at least. Raises `UploadOver` once the file is complete.
        """

    async def uploaded_parts(self, key: str) -> list[StoredPart]:
        """The parts that have arrived, in order; empty once completed."""

    async def complete(self, key: str) -> int:
        """Join the parts that have arrived into the file; returns its size in bytes. Repeating changes nothing.

        Once completed, a file never changes until it is deleted. Raises `NotStored` when no part has arrived.
        """

    async def put(self, key: str, source: Path) -> None:
        """Store a copy of a file of this machine, replacing what was there."""

    async def download(
        self, key: str, filename: str, content_type: str, *, attachment: bool, expires_in: timedelta
    ) -> SignedRequest:
        """Where to GET the file, with Range; served with the type and disposition given here."""

    def local_copy(self, key: str) -> AbstractAsyncContextManager[Path]:
        """The file on this machine's disk for as long as the context is held, to be read only; raises `NotStored`."""

    async def delete(self, key: str) -> None:
        """Remove the file and any parts; absent is fine."""

    async def sweep(self, folder: str, before: datetime) -> None:
        """Remove the parts of uploads under a folder of keys that began before then and were never completed."""

    async def check(self, origins: Sequence[str], *, fix: bool = False) -> list[Fault]:
        """What keeps it from serving browsers on pages of these origins; with `fix`, after setting what can be set."""

    async def close(self) -> None: ...
