"""Archives in a bucket."""

import asyncio
import io
import time
import zipfile
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest
from tests.factories import make_user
from tests.media.bucket import Bucket
from tests.media.uploads import ready_media
from tests.peers.s3_server import S3Server, s3_server
from tests.privacy.test_exports import EXPORTS, JFK, ready, request

from madang.backends import Backends
from madang.privacy import runner
from madang.settings import Settings

pytestmark = pytest.mark.timeout(900)  # the first use downloads the server


@pytest.fixture(scope="module")
def breakable() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(breakable: S3Server) -> Bucket:
    return Bucket.new(breakable)


@pytest.fixture
def settings(settings: Settings, bucket: Bucket) -> Settings:
    return settings.model_copy(update={"storage_url": bucket.url})


async def test_an_archive_with_files_waits_for_the_bucket_and_is_fetched_from_it(
    client: httpx2.AsyncClient, breakable: S3Server, bucket: Bucket
) -> None:
    person = await make_user(client)
    media = await ready_media(client, person, JFK.read_bytes())
    breakable.kill()
    try:
        asked = await request(client, person, include=["media"])
        assert asked.status_code == 202, asked.text
        await until_given_back(client, person.headers, asked.json()["id"])
    finally:
        breakable.start_gateway()
    shown = await ready(client, person, asked.json()["id"])
    assert shown["download_url"].startswith(breakable.endpoint_url)
    answer = await client.get(shown["download_url"])
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.read(f"media/{media['id']}/speech.flac") == JFK.read_bytes()
    assert len(bucket.objects()) == 2


async def test_an_archive_is_not_made_twice_while_the_bucket_takes_its_time(
    client: httpx2.AsyncClient, breakable: S3Server, backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LEASE", timedelta(seconds=2))
    monkeypatch.setattr(runner, "_RENEW_SECONDS", 0.3)
    person = await make_user(client)
    breakable.pause()
    try:
        export = (await request(client, person)).json()
        await until(client, person.headers, export["id"], "running")
        other, asked_at = runner.ExportRunner(backends), time.monotonic()
        while time.monotonic() - asked_at < 5:
            async with asyncio.timeout(5):  # it would wait for the bucket too
                assert not await other.run_next()
    finally:
        breakable.resume()
    await ready(client, person, export["id"])


async def until(client: httpx2.AsyncClient, headers: dict[str, str], export_id: str, state: str) -> None:
    async with asyncio.timeout(60):
        while (await client.get(f"{EXPORTS}/{export_id}", headers=headers)).json()["state"] != state:
            continue


async def until_given_back(client: httpx2.AsyncClient, headers: dict[str, str], export_id: str) -> None:
    """It was at work, found no bucket, and waits."""
    await until(client, headers, export_id, "running")
    await until(client, headers, export_id, "queued")
