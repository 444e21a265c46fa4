"""Uploads from the announcement to the checked file."""

import asyncio
import hashlib

import httpx2
import pytest
from tests.factories import SignedIn, make_user
from tests.media.uploads import MEDIA, announce, announcement, complete, look_up, put, ready_media, until_stored, upload

from madang.settings import Settings

MIB = 1 << 20


async def test_an_upload_is_announced_sent_and_completed(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    checksum = hashlib.sha256(recording).hexdigest()
    announced = await announce(client, person, recording, sha256=checksum.upper())
    assert set(announced) == {"id", "parts", "part_size", "expires_at"}
    (part,) = announced["parts"]
    assert (part["part_number"], part["method"], part["offset"], part["size"]) == (1, "PUT", 0, len(recording))
    assert announced["part_size"] == len(recording)
    sent = await put(client, part, recording)
    assert (sent.status_code, bool(sent.headers["etag"])) == (200, True)
    pending = await look_up(client, person, announced["id"])
    assert (pending["state"], pending["sha256"]) == ("pending", None)
    assert [arrived["part_number"] for arrived in pending["uploaded_parts"]] == [1]
    done = await complete(client, person, announced["id"])
    assert done.status_code == 200
    media = done.json()
    assert media == await look_up(client, person, announced["id"])
    assert (media["state"], media["sha256"], media["size"]) == ("ready", checksum, len(recording))
    assert (media["filename"], media["content_type"], media["uploaded_parts"]) == ("speech.flac", "audio/flac", [])


async def test_completing_again_answers_the_same(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    media = await ready_media(client, person, recording)
    again = await complete(client, person, media["id"])
    assert (again.status_code, again.json()) == (200, media)


async def test_completing_at_once_gives_every_caller_the_same_answer(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    announced = await announce(client, person, recording)
    await put(client, announced["parts"][0], recording)
    answers = await asyncio.gather(*(complete(client, person, announced["id"]) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


async def test_a_large_file_comes_in_parts_and_goes_on_where_it_broke_off(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    content = recording + bytes(65 * MIB - len(recording))
    announced = await announce(client, person, content)
    assert announced["part_size"] == 16 * MIB
    assert [part["size"] for part in announced["parts"]] == [16 * MIB] * 4 + [MIB]
    for part in (announced["parts"][4], announced["parts"][0]):
        assert (await put(client, part, content)).status_code == 200
    early = await complete(client, person, announced["id"])
    assert (early.status_code, early.json()["code"]) == (409, "parts-missing")
    assert "2, 3, 4" in early.json()["detail"]
    arrived = (await look_up(client, person, announced["id"]))["uploaded_parts"]
    assert [part["part_number"] for part in arrived] == [1, 5]
    fresh = await client.post(
        f"{MEDIA}/{announced['id']}/parts", json={"part_numbers": [2, 3, 4]}, headers=person.headers
    )
    for part in fresh.json()["parts"]:
        assert (await put(client, part, content)).status_code == 200
    receipts = (await look_up(client, person, announced["id"]))["uploaded_parts"]
    listed = {"parts": [{"part_number": part["part_number"], "etag": f'"{part["etag"]}"'} for part in receipts]}
    done = await complete(client, person, announced["id"], listed)
    assert (done.status_code, done.json()["sha256"]) == (200, hashlib.sha256(content).hexdigest())


async def test_parts_listed_otherwise_than_they_arrived_are_refused(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    announced = await announce(client, person, recording)
    await put(client, announced["parts"][0], recording)
    for listed in ([{"part_number": 1, "etag": "other"}], [], [{"part_number": 2, "etag": "x"}]):
        answer = await complete(client, person, announced["id"], {"parts": listed})
        assert (answer.status_code, answer.json()["code"]) == (409, "parts-mismatch")
    assert (await complete(client, person, announced["id"])).status_code == 200


async def test_more_parts_than_there_are_or_for_a_finished_file_are_refused(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    announced = await announce(client, person, recording)
    path = f"{MEDIA}/{announced['id']}/parts"
    beyond = await client.post(path, json={"part_numbers": [1, 2]}, headers=person.headers)
    assert (beyond.status_code, beyond.json()["code"]) == (422, "no-such-part")
    await put(client, announced["parts"][0], recording)
    await complete(client, person, announced["id"])
    over = await client.post(path, json={"part_numbers": [1]}, headers=person.headers)
    assert (over.status_code, over.json()["code"]) == (409, "upload-closed")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"size": 0}, 422, "invalid-fields"),
        ({"size": -1}, 422, "invalid-fields"),
        ({"size": 10**40}, 413, "upload-too-large"),
        ({"size": (4 << 30) + 1}, 413, "upload-too-large"),
        ({"filename": ""}, 422, "invalid-fields"),
        ({"filename": "a" * 256}, 422, "invalid-fields"),
        ({"content_type": "flac"}, 422, "invalid-fields"),
        ({"content_type": "audio/flac\r\nX-Evil: 1"}, 422, "invalid-fields"),
        ({"content_type": "text/html"}, 415, "not-media"),
        ({"content_type": "image/svg+xml"}, 415, "not-media"),
        ({"sha256": "abc"}, 422, "invalid-fields"),
        ({"state": "ready"}, 422, "invalid-fields"),
    ],
)
async def test_what_can_be_refused_is_refused_when_announced(
    client: httpx2.AsyncClient, person: SignedIn, changes: dict[str, object], status: int, code: str
) -> None:
    body = announcement(b"x" * 10) | changes
    answer = await client.post(MEDIA, json=body, headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "content",
    [
        b"This is a shopping list, not a video.\n" * 50,
        b"<!doctype html><script>alert(1)</script>" * 20,
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>' * 20,
        b"PK\x03\x04" + bytes(500),
        b"%PDF-1.7\n" + bytes(500),
        b"\x89PNG\r\n\x1a\n" + bytes(500),
        b"#EXTM3U\n#EXT-X-STREAM-INF:\nfile:///etc/passwd\n" * 20,
        bytes(500),
    ],
)
async def test_a_file_that_is_no_media_is_rejected_and_its_bytes_go(
    client: httpx2.AsyncClient, person: SignedIn, settings: Settings, content: bytes
) -> None:
    answer = await upload(client, person, content, filename="film.mp4", content_type="video/mp4")
    assert (answer.status_code, answer.json()["code"]) == (415, "not-media")
    (listed,) = (await client.get(MEDIA, headers=person.headers)).json()["items"]
    assert (listed["state"], listed["reason"]) == ("rejected", "not-media")
    again = await complete(client, person, listed["id"])
    assert (again.status_code, again.json()["code"]) == (415, "not-media")
    refused = await client.get(f"{MEDIA}/{listed['id']}/download", headers=person.headers)
    assert (refused.status_code, refused.json()["code"]) == (415, "not-media")
    await until_stored(settings, 0)


async def test_another_checksum_than_announced_rejects_the_file(
    client: httpx2.AsyncClient, person: SignedIn, settings: Settings, recording: bytes
) -> None:
    answer = await upload(client, person, recording, sha256="0" * 64)
    assert (answer.status_code, answer.json()["code"]) == (422, "checksum-mismatch")
    await until_stored(settings, 0)


async def test_the_type_is_what_the_file_is_not_what_was_announced(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    media = await ready_media(client, person, recording, filename="film.mp4", content_type="video/mp4; codecs=avc1")
    assert media["content_type"] == "audio/flac"


async def test_nothing_sent_is_nothing_to_complete_and_nothing_to_download(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    announced = await announce(client, person, recording)
    early = await complete(client, person, announced["id"])
    assert (early.status_code, early.json()["code"]) == (409, "parts-missing")
    download = await client.get(f"{MEDIA}/{announced['id']}/download", headers=person.headers)
    assert (download.status_code, download.json()["code"]) == (409, "media-not-ready")


async def test_the_same_idempotency_key_gives_the_same_upload(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    headers = person.headers | {"Idempotency-Key": "try-1"}
    body = announcement(recording)
    first, *others = await asyncio.gather(*(client.post(MEDIA, json=body, headers=headers) for _ in range(4)))
    assert {answer.status_code for answer in (first, *others)} == {201}
    assert {answer.json()["id"] for answer in (first, *others)} == {first.json()["id"]}
    other = await client.post(MEDIA, json=body | {"filename": "b.flac"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    stranger = await make_user(client)
    theirs = await client.post(MEDIA, json=body, headers=stranger.headers | {"Idempotency-Key": "try-1"})
    assert theirs.json()["id"] != first.json()["id"]


async def test_the_feed_shows_ones_own_media_the_newest_first(client: httpx2.AsyncClient, person: SignedIn) -> None:
    mine = [(await announce(client, person, b"x", filename=f"{number}.flac"))["id"] for number in range(3)]
    await announce(client, await make_user(client), b"x")
    first = (await client.get(MEDIA, params={"limit": 2}, headers=person.headers)).json()
    rest = (await client.get(MEDIA, params={"cursor": first["next_cursor"]}, headers=person.headers)).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == mine[::-1]
    assert rest["next_cursor"] is None


async def test_deleting_removes_the_row_at_once_and_the_file_soon(
    client: httpx2.AsyncClient, person: SignedIn, settings: Settings, recording: bytes
) -> None:
    media = await ready_media(client, person, recording)
    download = await client.get(f"{MEDIA}/{media['id']}/download", headers=person.headers)
    assert (await client.delete(f"{MEDIA}/{media['id']}", headers=person.headers)).status_code == 204
    assert (await client.get(f"{MEDIA}/{media['id']}", headers=person.headers)).status_code == 404
    await until_stored(settings, 0)
    gone = await client.get(download.headers["location"])
    assert (gone.status_code, gone.json()["code"]) == (404, "media-not-found")
    assert (await client.delete(f"{MEDIA}/{media['id']}", headers=person.headers)).status_code == 404


async def test_another_persons_media_is_not_found_whatever_the_verb(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    media = await ready_media(client, person, recording)
    stranger = await make_user(client)
    path = f"{MEDIA}/{media['id']}"
    attempts = [
        await client.get(path, headers=stranger.headers),
        await client.get(f"{path}/download", headers=stranger.headers),
        await client.post(f"{path}/parts", json={"part_numbers": [1]}, headers=stranger.headers),
        await client.post(f"{path}/complete", headers=stranger.headers),
        await client.delete(path, headers=stranger.headers),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in attempts] == [(404, "media-not-found")] * 5
    assert (await look_up(client, person, media["id"]))["state"] == "ready"


async def test_announcing_the_hash_of_another_persons_file_yields_nothing(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    await ready_media(client, person, recording)
    stranger = await make_user(client)
    checksum = hashlib.sha256(recording).hexdigest()
    announced = await announce(client, stranger, recording, sha256=checksum)
    media = await look_up(client, stranger, announced["id"])
    assert (media["state"], media["sha256"], media["uploaded_parts"]) == ("pending", None, [])


async def test_nobody_uploads_without_signing_in(client: httpx2.AsyncClient, recording: bytes) -> None:
    answer = await client.post(MEDIA, json=announcement(recording))
    assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")
