"""Makes the archive of one person: a folder of JSON files, one for each kind of thing, and the media if wanted.

It is written to a file on this machine page by page, so that a long life in chat needs no memory.
"""

import json
import zipfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from anyio import to_thread

from madang import __version__
from madang.backends.storage.base import NotStored, Storage
from madang.kit.clock import Clock
from madang.media.models import READY, storage_key
from madang.privacy.models import DataExport
from madang.privacy.repository import BelongingsRepository

_README = """Everything that Madang stores of you.
manifest.json   what is here, and how many of each
data/*.json     one list for each kind of thing; times are UTC, ids are those of the API
media/          your files, when you asked for them; otherwise data/media.json names them
Passwords, keys and other secrets are left out: they are stored as hashes or sealed, and are of use to nobody but us.
"""
KeepHold = Callable[[], Awaitable[None]]


class ArchiveService:
    def __init__(self, belongings: BelongingsRepository, storage: Storage, clock: Clock, keep_hold: KeepHold) -> None:
        """`keep_hold` is awaited now and then; what it raises ends the work."""
        self._belongings = belongings
        self._storage = storage
        self._clock = clock
        self._keep_hold = keep_hold

    async def write(self, export: DataExport, target: Path) -> None:
        counts: dict[str, int] = {}
        media: list[tuple[str, str]] = []
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", _README)
            for name in self._belongings.tables():
                counts[name] = await self._write_table(archive, name, media)
            left_out = await self._write_media(archive, media) if export.includes_media else []
            archive.writestr("manifest.json", _dump(self._manifest(export, counts, left_out)))

    async def _write_table(self, archive: zipfile.ZipFile, name: str, media: list[tuple[str, str]]) -> int:
        count = 0
        with archive.open(f"data/{name}.json", "w", force_zip64=True) as file:
            file.write(b"[")
            async for rows in self._belongings.rows(name):
                if name == "media":
                    media += [(str(row["id"]), row["filename"]) for row in rows if row["state"] == READY]
                text = ("," if count else "") + ",\n".join(_dump(row) for row in rows)
                await to_thread.run_sync(file.write, text.encode())
                count += len(rows)
                await self._keep_hold()
            file.write(b"]\n")
        return count

    async def _write_media(self, archive: zipfile.ZipFile, media: list[tuple[str, str]]) -> list[str]:
        """The files under their ids; returns those that were gone."""
        gone = []
        for media_id, filename in media:
            try:
                async with self._storage.local_copy(storage_key(UUID(media_id))) as path:
                    name = f"media/{media_id}/{Path(filename.replace(chr(92), '/')).name or 'file'}"
                    await to_thread.run_sync(lambda path=path, name=name: archive.write(path, name))  # type: ignore[misc]
            except NotStored:
                gone.append(media_id)
            await self._keep_hold()
        return gone

    def _manifest(self, export: DataExport, counts: dict[str, int], left_out: list[str]) -> dict[str, Any]:
        return {
            "schema": 1,
            "madang": __version__,
            "account_id": export.account_id,
            "made_at": self._clock(),
            "includes_media": export.includes_media,
            "media_gone": left_out,
            "counts": counts,
        }


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
