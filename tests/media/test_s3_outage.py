"""A bucket that hangs or dies while people use it: media calls answer 503, nothing else does, nothing is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.captions.jobs import look_up as look_up_job
from tests.captions.jobs import request_for, until_done
from tests.factories import SignedIn, make_user
from tests.media.bucket import Bucket
from tests.media.uploads import MEDIA, announce, announcement, complete, look_up, put, ready_media
from tests.peers.s3_server import S3Server, s3_server
from tests.speech import media_files

from madang.settings import Settings

pytestmark = pytest.mark.timeout(900)  # the first use downloads the server
MIB = 1 << 20


@pytest.fixture(scope="module")
def breakable() -> Iterator[S3Server]:
    """A server of these tests alone, since they break it."""
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(breakable: S3Server) -> Bucket:
    return Bucket.new(breakable)


@pytest.fixture
def settings(settings: Settings, bucket: Bucket) -> Settings:
    return settings.model_copy(update={"storage_url": bucket.url})


def outcome(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def begin_to_send(part: dict[str, object], content: bytes) -> asyncio.StreamWriter:
    """Half of a part, on a connection that stays open."""
    url = urlsplit(str(part["url"]))
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: audio/flac\r\n"
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content[: len(content) // 2])
    await writer.drain()
    return writer


async def test_while_the_bucket_hangs_only_media_calls_fail_and_soon_after_all_is_well(
    client: httpx2.AsyncClient, person: SignedIn, breakable: S3Server, recording: bytes
) -> None:
    begun = await announce(client, person, recording)
    await put(client, begun["parts"][0], recording)
    breakable.pause()
    try:
        refused = await asyncio.gather(
            client.post(MEDIA, json=announcement(recording), headers=person.headers),
            client.get(f"{MEDIA}/{begun['id']}", headers=person.headers),
            complete(client, person, begun["id"]),
        )
        ready = await client.get("/health/ready")
        other = await make_user(client)
        listed = await client.get(MEDIA, headers=person.headers)
    finally:
        breakable.resume()
    assert {outcome(answer) for answer in refused} == {(503, "storage-unavailable")}
    assert {answer.headers["retry-after"] for answer in refused} == {"10"}
    assert (ready.status_code, listed.status_code, bool(other.access_token)) == (200, 200, True)
    assert (await complete(client, person, begun["id"])).status_code == 200
    assert (await ready_media(client, other, recording))["state"] == "ready"


async def test_an_upload_goes_on_where_the_death_of_the_bucket_broke_it(
    client: httpx2.AsyncClient, person: SignedIn, breakable: S3Server, recording: bytes
) -> None:
    content = recording + bytes(65 * MIB - len(recording))
    begun = await announce(client, person, content)
    for part in begun["parts"][:3]:
        assert (await put(client, part, content)).status_code == 200
    half = await begin_to_send(begun["parts"][3], content[48 * MIB : 64 * MIB])
    breakable.kill()
    half.transport.abort()
    try:
        assert outcome(await complete(client, person, begun["id"])) == (503, "storage-unavailable")
        fresh = await client.post(f"{MEDIA}/{begun['id']}/parts", json={"part_numbers": [4]}, headers=person.headers)
        assert outcome(fresh) == (503, "storage-unavailable")
    finally:
        breakable.start_gateway()
    arrived = (await look_up(client, person, begun["id"]))["uploaded_parts"]
    assert [part["part_number"] for part in arrived] == [1, 2, 3]
    for part in begun["parts"][3:]:
        assert (await put(client, part, content)).status_code == 200
    assert (await complete(client, person, begun["id"])).json()["state"] == "ready"


async def test_an_announcement_that_found_no_bucket_is_made_good_under_its_key(
    client: httpx2.AsyncClient, person: SignedIn, breakable: S3Server, recording: bytes
) -> None:
    headers, body = person.headers | {"Idempotency-Key": "once"}, announcement(recording)
    breakable.kill()
    try:
        assert outcome(await client.post(MEDIA, json=body, headers=headers)) == (503, "storage-unavailable")
    finally:
        breakable.start_gateway()
    announced = (await client.post(MEDIA, json=body, headers=headers)).json()
    assert (await put(client, announced["parts"][0], recording)).status_code == 200
    assert (await complete(client, person, announced["id"])).status_code == 200
    assert len((await client.get(MEDIA, headers=person.headers)).json()["items"]) == 1


async def test_a_file_deleted_while_the_bucket_is_away_goes_when_it_is_back(
    client: httpx2.AsyncClient, person: SignedIn, breakable: S3Server, bucket: Bucket, recording: bytes
) -> None:
    media = await ready_media(client, person, recording)
    breakable.kill()
    try:
        assert (await client.delete(f"{MEDIA}/{media['id']}", headers=person.headers)).status_code == 204
        assert (await client.get(f"{MEDIA}/{media['id']}", headers=person.headers)).status_code == 404
    finally:
        breakable.start_gateway()
    await bucket.until_empty()


async def test_a_caption_job_waits_for_the_bucket_however_long(
    client: httpx2.AsyncClient, person: SignedIn, breakable: S3Server, tmp_path: Path
) -> None:
    film = media_files.write_video_without_audio(tmp_path / "film.mp4").read_bytes()
    media = await ready_media(client, person, film, filename="film.mp4", content_type="video/mp4")
    breakable.kill()
    try:
        job = await request_for(client, person, media["id"])
        await until_put_back(client, person, job["id"], times=3)
    finally:
        breakable.start_gateway()
    assert (await until_done(client, person, job["id"]))["state"] == "succeeded"


async def until_put_back(client: httpx2.AsyncClient, person: SignedIn, job_id: str, times: int) -> None:
    """More often than a lost worker may put it back."""
    was_running, seen = False, 0
    async with asyncio.timeout(120):
        while seen < times:
            state = (await look_up_job(client, person, job_id))["state"]
            assert state in {"queued", "running"}
            seen += was_running and state == "queued"
            was_running = state == "running"
