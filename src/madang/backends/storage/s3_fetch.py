"""A file of the bucket on this machine's disk, block by block; goes on where the connection broke."""

from pathlib import Path
from typing import Any, BinaryIO

from madang.backends.storage.base import StorageUnavailable
from madang.backends.storage.s3_bucket import Bucket, unavailable

_BLOCK = 4 << 20
_FAILURES = 3


async def fetch(bucket: Bucket, key: str, path: Path) -> None:
    """Raises `NotStored`, or `StorageUnavailable` once three tries in a row brought nothing."""
    with path.open("wb") as file:
        download, failures = _Download(bucket, key, file), 0
        while failures < _FAILURES:
            before = file.tell()
            try:
                return await download.go_on()
            except StorageUnavailable:
                failures = failures + 1 if file.tell() == before else 0
    raise unavailable()


class _Download:
    """Each request asks for what is missing of the same object; only a thread at a time touches the file."""

    def __init__(self, bucket: Bucket, key: str, file: BinaryIO) -> None:
        self._bucket = bucket
        self._key = key
        self._file = file
        self._tag = ""

    async def go_on(self) -> None:
        answer = await self._bucket.call("get_object", self._key, **self._missing())
        self._tag = answer["ETag"]
        body = answer["Body"]
        try:
            while await self._bucket.run(lambda: self._write(body.read(_BLOCK))):
                pass
        finally:
            body.close()

    def _missing(self) -> dict[str, Any]:
        offset = self._file.tell()
        return {"Range": f"bytes={offset}-", "IfMatch": self._tag} if offset else {}

    def _write(self, block: bytes) -> int:
        """Flushed here: in the thread, and so that a full disk is told at once."""
        self._file.write(block)
        self._file.flush()
        return len(block)
