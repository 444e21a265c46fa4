"""Completing an upload: all parts there, joined, read once for its checksum and its real type, then settled."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID
from weakref import WeakValueDictionary

from anyio import to_thread

from madang.backends.storage.base import NotStored, Storage, StoredPart
from madang.db.session import Database, Session
from madang.kit.media_types import detect
from madang.media.errors import ChecksumMismatch, MediaNotFound, NotMedia, PartsMismatch, PartsMissing, SizeMismatch
from madang.media.models import PENDING, Media
from madang.media.schemas import PartReceipt
from madang.media.service import MediaService, Verdict, ready

_NUMBERS_SHOWN = 20
_in_hand: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()


class CompletionService:
    """Two callers at once wait for each other; in two processes both do the work, and the first verdict counts."""

    def __init__(self, database: Database, storage: Storage, build_media: Callable[[Session], MediaService]) -> None:
        self._database = database
        self._storage = storage
        self._build_media = build_media

    async def complete(self, account_id: UUID, media_id: UUID, receipts: Sequence[PartReceipt] | None) -> Media:
        """The accepted media; a refused one raises the problem it was refused with, now and on every later call."""
        await self._owned_by(account_id, media_id)
        async with _in_hand.setdefault(media_id, asyncio.Lock()):
            media = await self._owned_by(account_id, media_id)
            if media.state == PENDING:
                media = await self._check(media, receipts)
        return ready(media)

    async def _check(self, media: Media, receipts: Sequence[PartReceipt] | None) -> Media:
        try:
            size = await self._join(media, receipts)
            async with self._storage.local_copy(media.key) as path:
                verdict = await to_thread.run_sync(lambda: _inspect(media, size, path))
        except (NotStored, FileNotFoundError):  # deleted, or refused by another process, meanwhile
            return await self._owned_by(media.account_id, media.id)
        return await self._settle(media, verdict)

    async def _join(self, media: Media, receipts: Sequence[PartReceipt] | None) -> int:
        """The file's size once its parts are joined; a call that broke off after joining goes on from there."""
        arrived = await self._storage.uploaded_parts(media.key)
        if arrived:
            _compare(media, arrived, receipts)
        try:
            return await self._storage.complete(media.key)
        except NotStored:
            raise _missing(media, set()) from None

    async def _settle(self, media: Media, verdict: Verdict) -> Media:
        async with self._database.unit() as session:
            settled = await self._build_media(session).settle(media.id, verdict)
        if settled is None:
            await self._storage.delete(media.key)
            raise MediaNotFound
        return settled

    async def _owned_by(self, account_id: UUID, media_id: UUID) -> Media:
        async with self._database.read_unit() as session:
            return await self._build_media(session).owned_by(account_id, media_id)


def _compare(media: Media, arrived: Sequence[StoredPart], receipts: Sequence[PartReceipt] | None) -> None:
    """Raise `PartsMissing` or `PartsMismatch` unless every part is there, and is the one the client means."""
    there = {part.part_number: part for part in arrived}
    if len(there) < media.part_count:
        raise _missing(media, set(there))
    if receipts is None:
        return
    listed = {receipt.part_number: receipt.etag.strip('"') for receipt in receipts}
    for number in sorted(there.keys() | listed.keys()):
        if number not in there or listed.get(number) != there[number].etag.strip('"'):
            raise PartsMismatch(number=number)


def _missing(media: Media, there: set[int]) -> PartsMissing:
    absent = [number for number in range(1, media.part_count + 1) if number not in there]
    numbers = ", ".join(map(str, absent[:_NUMBERS_SHOWN])) + (", …" if len(absent) > _NUMBERS_SHOWN else "")
    return PartsMissing(missing=len(absent), count=media.part_count, numbers=numbers)


def _inspect(media: Media, size: int, path: Path) -> Verdict:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    detected = detect(path)
    if size != media.size:
        return Verdict(None, sha256, SizeMismatch.code)
    if media.announced_sha256 not in {None, sha256}:
        return Verdict(None, sha256, ChecksumMismatch.code)
    return Verdict(detected, sha256, None if detected else NotMedia.code)
