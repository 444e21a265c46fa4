"""Media in a bucket, through the front door: clients send to and fetch from the bucket directly."""

import asyncio
import hashlib
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from tests.captions.jobs import request_for, until_done
from tests.factories import SignedIn, make_user
from tests.media.bucket import Bucket
from tests.media.uploads import MEDIA, announce, announcement, complete, look_up, put, ready_media, upload
from tests.peers.s3_server import S3Server
from tests.speech import media_files

from madang.backends import Backends
from madang.kit.clock import utc_now
from madang.media import handlers
from madang.outbox.delivery import Delivery
from madang.outbox.events import HousekeepingDue
from madang.settings import Settings

pytestmark = pytest.mark.timeout(900)  # the first use downloads the server
MIB = 1 << 20


@pytest.fixture
def bucket(s3: S3Server) -> Bucket:
    return Bucket.new(s3)


@pytest.fixture
def settings(settings: Settings, bucket: Bucket) -> Settings:
    return settings.model_copy(update={"storage_url": bucket.url, "keep_unfinished_uploads": 0})


async def download_url(client: httpx2.AsyncClient, person: SignedIn, media_id: str) -> str:
    answer = await client.get(f"{MEDIA}/{media_id}/download", headers=person.headers)
    assert answer.status_code == 302, answer.text
    location: str = answer.headers["location"]
    return location


async def test_a_large_file_goes_the_whole_way(
    client: httpx2.AsyncClient, person: SignedIn, bucket: Bucket, recording: bytes
) -> None:
    content = recording + bytes(65 * MIB - len(recording))
    announced = await announce(client, person, content)
    assert len(announced["parts"]) == 5
    assert all(part["url"].startswith(bucket.server.endpoint_url) for part in announced["parts"])
    for part in announced["parts"][1:]:
        assert (await put(client, part, content)).status_code == 200
    early = await complete(client, person, announced["id"])
    assert (early.status_code, early.json()["code"]) == (409, "parts-missing")
    body = {"part_numbers": [1]}
    fresh = await client.post(f"{MEDIA}/{announced['id']}/parts", json=body, headers=person.headers)
    assert (await put(client, fresh.json()["parts"][0], content)).status_code == 200
    parts = (await look_up(client, person, announced["id"]))["uploaded_parts"]
    listed = {"parts": [{"part_number": part["part_number"], "etag": f'"{part["etag"]}"'} for part in parts]}
    done = await complete(client, person, announced["id"], listed)
    assert (done.status_code, done.json()["sha256"]) == (200, hashlib.sha256(content).hexdigest())
    assert (bucket.objects(), bucket.uploads()) == ([f"team/media/{announced['id']}"], [])


async def test_a_file_is_fetched_from_the_bucket_in_ranges_as_what_it_is(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    media = await ready_media(client, person, recording, content_type="video/mp4", filename="말.mp4")
    url = await download_url(client, person, media["id"])
    answer = await client.get(url, headers={"Range": "bytes=100-199"})
    assert (answer.status_code, answer.content) == (206, recording[100:200])
    assert answer.headers["content-type"] == "audio/flac"
    assert answer.headers["content-disposition"].startswith("inline; ")


async def test_a_caption_job_reads_the_file_from_the_bucket(
    client: httpx2.AsyncClient, person: SignedIn, tmp_path: Path
) -> None:
    film = media_files.write_video_without_audio(tmp_path / "film.mp4").read_bytes()
    media = await ready_media(client, person, film, filename="film.mp4", content_type="video/mp4")
    job = await request_for(client, person, media["id"])
    assert (await until_done(client, person, job["id"]))["state"] == "succeeded"


async def test_what_is_deleted_or_refused_goes_from_the_bucket(
    client: httpx2.AsyncClient, person: SignedIn, bucket: Bucket, recording: bytes
) -> None:
    refused = await upload(client, person, b"<script>alert(1)</script>" * 20, content_type="video/mp4")
    assert (refused.status_code, refused.json()["code"]) == (415, "not-media")
    begun = await announce(client, person, recording)
    await put(client, begun["parts"][0], recording)
    media = await ready_media(client, person, recording)
    url = await download_url(client, person, media["id"])
    for media_id in (begun["id"], media["id"]):
        assert (await client.delete(f"{MEDIA}/{media_id}", headers=person.headers)).status_code == 204
    await bucket.until_empty()
    assert (await client.get(url)).status_code == 404
    assert (await put(client, begun["parts"][0], recording)).status_code == 404


async def test_uploads_never_finished_are_swept_with_what_has_no_row(
    client: httpx2.AsyncClient, person: SignedIn, bucket: Bucket, backends: Backends, recording: bytes
) -> None:
    begun = await announce(client, person, recording)
    await put(client, begun["parts"][0], recording)
    name = f"team/media/{uuid4()}"
    bucket.server.client.create_multipart_upload(Bucket=bucket.name, Key=name)
    assert len(bucket.uploads()) == 2
    async with asyncio.timeout(30):  # uploads begun in this very second are young yet
        while await asyncio.to_thread(bucket.uploads):
            await handlers.sweep_unfinished_uploads(HousekeepingDue(), Delivery(uuid4(), utc_now(), backends))
    assert (await client.get(MEDIA, headers=person.headers)).json()["items"] == []


async def test_who_still_holds_a_link_changes_nothing_of_a_checked_file(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    announced = await announce(client, person, recording)
    await put(client, announced["parts"][0], recording)
    assert (await complete(client, person, announced["id"])).status_code == 200
    evil = bytes(len(recording))
    assert (await put(client, announced["parts"][0], evil)).status_code == 404
    path = f"{MEDIA}/{announced['id']}/parts"
    over = await client.post(path, json={"part_numbers": [1]}, headers=person.headers)
    assert (over.status_code, over.json()["code"]) == (409, "upload-closed")
    assert (await client.get(await download_url(client, person, announced["id"]))).content == recording


async def test_announced_once_more_after_completion_it_asks_for_no_parts(
    client: httpx2.AsyncClient, person: SignedIn, bucket: Bucket, recording: bytes
) -> None:
    headers, body = person.headers | {"Idempotency-Key": "once"}, announcement(recording)
    first = (await client.post(MEDIA, json=body, headers=headers)).json()
    await put(client, first["parts"][0], recording)
    await complete(client, person, first["id"])
    again = await client.post(MEDIA, json=body, headers=headers)
    assert (again.status_code, again.json()["id"], again.json()["parts"]) == (201, first["id"], [])
    assert bucket.uploads() == []


async def test_completing_at_once_gives_every_caller_the_same_answer(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    announced = await announce(client, person, recording)
    await put(client, announced["parts"][0], recording)
    answers = await asyncio.gather(*(complete(client, person, announced["id"]) for _ in range(4)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}


async def test_another_person_gets_no_link(client: httpx2.AsyncClient, person: SignedIn, recording: bytes) -> None:
    media = await ready_media(client, person, recording)
    stranger = await make_user(client)
    for method, path in (("GET", "download"), ("POST", "parts"), ("POST", "complete")):
        body = {"part_numbers": [1]} if path == "parts" else None
        answer = await client.request(method, f"{MEDIA}/{media['id']}/{path}", json=body, headers=stranger.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "media-not-found")


async def test_links_of_the_folder_lead_nowhere(client: httpx2.AsyncClient) -> None:
    assert (await client.get(f"{MEDIA}/links/anything")).status_code == 404
