"""A bucket that is not there, does not let us in, hangs, or breaks off: one typed problem, in bounded time."""

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.peers.cutting_proxy import CuttingProxy, cutting_proxy
from tests.peers.s3_server import S3Server, storage_url
from tests.servers import free_port

from madang.backends.storage.base import StorageUnavailable
from madang.backends.storage.s3 import S3Storage

HOUR = timedelta(hours=1)
KEY, FLAC = "media/a", "audio/flac"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[S3Storage]:
    storage = S3Storage(url)
    try:
        yield storage
    finally:
        await storage.close()


@asynccontextmanager
async def behind_proxy(s3: S3Server, bucket: str) -> AsyncIterator[tuple[S3Storage, CuttingProxy]]:
    async with (
        cutting_proxy(s3.endpoint_url) as proxy,
        opened(storage_url(s3, bucket, endpoint_url=proxy.url)) as storage,
    ):
        yield storage, proxy


@pytest.fixture
def hole() -> Iterator[socket.socket]:
    """Connections are taken and nobody ever answers."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    yield listener
    listener.close()


def at(port: int) -> str:
    return f"s3://key:hidden@bucket?endpoint_url=http://127.0.0.1:{port}"


async def test_every_call_on_a_storage_that_is_away_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    async with opened(at(free_port())) as storage:
        for attempt in (
            storage.upload_parts(KEY, {1: 5}, FLAC, HOUR),
            storage.uploaded_parts(KEY),
            storage.complete(KEY),
            storage.put(KEY, tmp_path / "file"),
            storage.local_copy(KEY).__aenter__(),
            storage.delete(KEY),
        ):
            with pytest.raises(StorageUnavailable) as problem:
                await attempt
            assert problem.value.headers == {"Retry-After": "10"}


async def test_signing_a_download_asks_nobody() -> None:
    async with opened(at(free_port())) as storage:
        signed = await storage.download(KEY, "a.flac", FLAC, attachment=False, expires_in=HOUR)
        assert signed.url.startswith("http://127.0.0.1:")


async def test_a_storage_that_hangs_is_given_up_in_seconds(hole: socket.socket) -> None:
    async with opened(at(hole.getsockname()[1])) as storage:
        asked = time.monotonic()
        with pytest.raises(StorageUnavailable):
            await storage.complete(KEY)
        assert time.monotonic() - asked < 30


async def test_beside_a_storage_that_hangs_no_queue_grows_without_end(hole: socket.socket) -> None:
    async with opened(at(hole.getsockname()[1])) as storage:
        waiting = [asyncio.create_task(storage.uploaded_parts(KEY)) for _ in range(80)]
        await asyncio.sleep(0)
        asked = time.monotonic()
        with pytest.raises(StorageUnavailable):
            await storage.uploaded_parts(KEY)
        assert time.monotonic() - asked < 1
        hole.close()  # so that the others end now
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StorageUnavailable}


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("signs@", "hidden@", "SignatureDoesNotMatch"),
        ("madang-tests", "nobody", "InvalidAccessKeyId"),
        ("@bucket-", "@no-bucket-", "NoSuchBucket"),
    ],
)
async def test_refused_credentials_and_a_missing_bucket_are_told_to_the_operator_alone(
    s3: S3Server, bucket: str, capsys: pytest.CaptureFixture[str], old: str, new: str, code: str
) -> None:
    async with opened(storage_url(s3, bucket).replace(old, new)) as storage:
        with pytest.raises(StorageUnavailable) as problem:
            await storage.uploaded_parts(KEY)
    logged = capsys.readouterr().out
    assert code in logged
    assert code not in str(problem.value)
    assert "hidden" not in logged


@pytest.mark.timeout(900)
async def test_a_copy_goes_on_where_the_connection_broke(s3: S3Server, bucket: str, tmp_path: Path) -> None:
    content = random.Random(1).randbytes(20 << 20)
    (tmp_path / "file").write_bytes(content)
    async with behind_proxy(s3, bucket) as (storage, proxy):
        await storage.put(KEY, tmp_path / "file")
        proxy.after, proxy.cuts = 9 << 20, 2
        async with storage.local_copy(KEY) as path:
            assert await asyncio.to_thread(path.read_bytes) == content
        assert proxy.cuts == 0
        assert not path.exists()


@pytest.mark.timeout(900)
async def test_a_copy_that_never_gets_anything_is_given_up(s3: S3Server, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(20 << 20))
    async with behind_proxy(s3, bucket) as (storage, proxy):
        await storage.put(KEY, tmp_path / "file")
        proxy.after, proxy.cuts = 1, 1000
        with pytest.raises(StorageUnavailable):
            await storage.local_copy(KEY).__aenter__()
