"""Captions through the front door, with real files and the real recogniser."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import av
import httpx2
import webvtt
from tests.captions.jobs import CAPTIONS, follow, look_up, request, request_for, until_done, until_recognising
from tests.factories import SignedIn, make_user
from tests.media.uploads import announce, ready_media

MP4 = {"filename": "film.mp4", "content_type": "video/mp4"}
WAV = {"filename": "opening.wav", "content_type": "audio/wav"}


async def test_recording_becomes_a_document_and_the_way_there_is_told(
    client: httpx2.AsyncClient, person: SignedIn, speech: bytes, tmp_path: Path
) -> None:
    job = await request(client, person, speech, language="en", filename="연설 1.flac")
    assert (job["state"], job["progress"], job["cached"]) == ("queued", 0, False)
    told = [entry async for entry in follow(client, person, job["id"])]
    assert [entry.event for entry in told] == ["progress"] * (len(told) - 1) + ["done"]
    assert [entry.id for entry in told] == list(range(1, len(told) + 1))
    shares = [entry.data["progress"] for entry in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 100)
    assert {"queued", "running"} == {entry.data["state"] for entry in told[:-1]}
    assert "recognising" in {entry.data["stage"] for entry in told[:-1]}
    done = told[-1].data
    assert (done["state"], done["engine"]["name"], done["language"]) == ("succeeded", "pocketsphinx", "en")
    assert done == await look_up(client, person, job["id"])
    await assert_document(client, person, job["id"])
    await assert_resumable(client, person, job["id"], told[-1].id)
    await assert_exports(client, person, job["id"], tmp_path)


async def assert_document(client: httpx2.AsyncClient, person: SignedIn, caption_id: str) -> None:
    answer = await client.get(f"{CAPTIONS}/{caption_id}/document", headers=person.headers)
    document = answer.json()
    words = [word for cue in document["cues"] for word in cue["words"]]
    assert "country" in [word["text"] for word in words]
    assert len({word["loudness_dbfs"] for word in words}) > 10
    assert {word["marks"]["time"] for word in words} == {"measured"}
    assert (document["revision"], answer.headers["etag"]) == (1, '"1"')
    known = {"If-None-Match": 'W/"1"'}
    again = await client.get(f"{CAPTIONS}/{caption_id}/document", headers=person.headers | known)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", '"1"')


async def assert_resumable(client: httpx2.AsyncClient, person: SignedIn, caption_id: str, last: int) -> None:
    later = [entry async for entry in follow(client, person, caption_id, last - 2)]
    assert [entry.id for entry in later] == [last - 1, last]
    url, end = f"{CAPTIONS}/{caption_id}/events", {"Last-Event-ID": str(last)}
    assert (await client.get(url, headers=person.headers | end)).status_code == 204


async def assert_exports(client: httpx2.AsyncClient, person: SignedIn, caption_id: str, folder: Path) -> None:
    """Read back by parsers that are not ours."""
    url = f"{CAPTIONS}/{caption_id}/export"
    vtt = await client.get(url, params={"format": "vtt"}, headers=person.headers)
    assert vtt.headers["content-type"].startswith("text/vtt")
    assert "filename*=UTF-8''%EC%97%B0%EC%84%A4%201.vtt" in vtt.headers["content-disposition"]
    assert "loudness" in vtt.headers["x-caption-loss"].split(", ")
    cues = webvtt.from_string(vtt.text).captions
    assert "country" in " ".join(cue.text for cue in cues)
    (folder / "speech.vtt").write_bytes(vtt.content)
    with av.open(str(folder / "speech.vtt")) as container:
        assert len([packet for packet in container.demux() if packet.size]) == len(cues)
    whole = await client.get(url, params={"format": "json"}, headers=person.headers)
    document = await client.get(f"{CAPTIONS}/{caption_id}/document", headers=person.headers)
    assert (whole.json(), whole.headers["x-caption-loss"]) == (document.json(), "")
    unknown = await client.get(url, params={"format": "docx"}, headers=person.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown-format")
    assert "vtt, json" in unknown.json()["detail"]


async def test_same_content_and_settings_are_answered_from_the_stored_result(
    client: httpx2.AsyncClient, person: SignedIn, opening: bytes
) -> None:
    captioned = await request(client, person, opening, **WAV)
    assert (await until_done(client, person, captioned["id"]))["state"] == "succeeded"
    again = await request(client, person, opening, **WAV | {"filename": "copy.wav"}, language="en-US")
    assert (again["state"], again["cached"], again["progress"]) == ("succeeded", True, 100)
    assert again["id"] != captioned["id"]
    first, second = [
        (await client.get(f"{CAPTIONS}/{one['id']}/document", headers=person.headers)).content
        for one in (captioned, again)
    ]
    assert first == second
    assert json.loads(first)["cues"]
    other_profile = await request_for(client, person, again["media_id"], profile="netflix-korean")
    assert other_profile["cached"] is False
    stranger = await make_user(client)
    assert (await request(client, stranger, opening, **WAV))["state"] == "queued"


async def test_film_without_sound_succeeds_with_an_empty_document(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes
) -> None:
    job = await request(client, person, film, **MP4)
    done = await until_done(client, person, job["id"])
    assert (done["state"], done["reason"], done["error"], done["progress"]) == ("succeeded", "no-audio", None, 100)
    document = (await client.get(f"{CAPTIONS}/{job['id']}/document", headers=person.headers)).json()
    assert (document["cues"], document["reason"]) == ([], "no-audio")
    vtt = await client.get(f"{CAPTIONS}/{job['id']}/export", headers=person.headers)
    assert vtt.text.startswith("WEBVTT")
    for verb, code in (("cancel", "caption-ended"), ("retry", "caption-not-retryable")):
        refused = await client.post(f"{CAPTIONS}/{job['id']}/{verb}", headers=person.headers)
        assert (refused.status_code, refused.json()["code"]) == (409, code)


async def test_damaged_file_fails_with_a_reason_and_can_be_retried(
    client: httpx2.AsyncClient, person: SignedIn, damaged: bytes
) -> None:
    job = await request(client, person, damaged, **MP4)
    told = [entry async for entry in follow(client, person, job["id"])]
    done = told[-1].data
    assert (done["state"], done["error"]["code"]) == ("failed", "corrupt-media")
    assert "Upload it again" in done["error"]["detail"]
    assert "media/" not in done["error"]["detail"]
    document = await client.get(f"{CAPTIONS}/{job['id']}/document", headers=person.headers)
    assert (document.status_code, document.json()["code"]) == (409, "caption-not-ready")
    retried = await client.post(f"{CAPTIONS}/{job['id']}/retry", headers=person.headers)
    assert (retried.status_code, retried.json()["state"], retried.json()["error"]) == (202, "queued", None)
    later = [entry async for entry in follow(client, person, job["id"], told[-1].id)]
    assert (later[0].id, later[-1].data["state"]) == (told[-1].id + 1, "failed")


async def test_cancelled_job_ends_at_once_and_may_run_again(
    client: httpx2.AsyncClient, person: SignedIn, speech: bytes
) -> None:
    job = await request(client, person, speech)
    seen = await until_recognising(client, person, job["id"])
    cancelled = await client.post(f"{CAPTIONS}/{job['id']}/cancel", headers=person.headers)
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (await until_done(client, person, job["id"], seen.id))["state"] == "cancelled"
    repeated = await client.post(f"{CAPTIONS}/{job['id']}/cancel", headers=person.headers)
    assert repeated.json() == cancelled.json()
    retried = await client.post(f"{CAPTIONS}/{job['id']}/retry", headers=person.headers)
    assert (retried.status_code, retried.json()["progress"]) == (202, 0)
    again = await until_recognising(client, person, job["id"], seen.id + 1)
    assert again.data["state"] == "running"
    refused = await client.post(f"{CAPTIONS}/{job['id']}/retry", headers=person.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "caption-not-retryable")


async def test_what_can_not_be_done_is_refused_when_asked(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes
) -> None:
    media = await ready_media(client, person, film, **MP4)
    for choices, pointer, code in (
        ({"engine": "magic"}, "/engine", "unknown-engine"),
        ({"language": "ko"}, "/language", "language-not-supported"),
        ({"language": "not a tag"}, "/language", "string-pattern-mismatch"),
        ({"profile": "tiny"}, "/profile", "unknown-profile"),
        ({"style": {}}, "/style", "extra-forbidden"),
    ):
        answer = await client.post(CAPTIONS, json={"media_id": media["id"], **choices}, headers=person.headers)
        fault = answer.json()["errors"][0]
        assert (answer.status_code, fault["pointer"], fault["code"]) == (422, pointer, code), answer.text
    korean = await client.post(
        CAPTIONS,
        json={"media_id": media["id"], "language": "ko"},
        headers=person.headers | {"Accept-Language": "ko"},
    )
    assert "인식하는 언어: en" in korean.json()["detail"]
    pending = await announce(client, person, film, **MP4)
    refused = await client.post(CAPTIONS, json={"media_id": pending["id"]}, headers=person.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "media-not-ready")


async def test_same_idempotency_key_gives_the_same_job(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes
) -> None:
    media = await ready_media(client, person, film, **MP4)
    headers = person.headers | {"Idempotency-Key": "one"}
    body = {"media_id": media["id"]}
    answers = await asyncio.gather(*(client.post(CAPTIONS, json=body, headers=headers) for _ in range(4)))
    answers.append(await client.post(CAPTIONS, json=body, headers=headers))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    other = await client.post(CAPTIONS, json=body | {"language": "en"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    stranger = await make_user(client)
    theirs = await ready_media(client, stranger, film, **MP4)
    free = await client.post(
        CAPTIONS, json={"media_id": theirs["id"]}, headers=stranger.headers | {"Idempotency-Key": "one"}
    )
    assert free.status_code == 202


async def test_foreign_jobs_and_media_are_not_found_whatever_the_verb(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes
) -> None:
    job = await request(client, person, film, **MP4)
    await until_done(client, person, job["id"])
    stranger = await make_user(client)
    for caption_id in (job["id"], str(uuid4())):
        for method, path in (
            ("GET", ""),
            ("GET", "/events"),
            ("GET", "/document"),
            ("GET", "/export?format=nonsense"),
            ("POST", "/cancel"),
            ("POST", "/retry"),
            ("DELETE", ""),
        ):
            answer = await client.request(method, f"{CAPTIONS}/{caption_id}{path}", headers=stranger.headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "caption-not-found"), (method, path)
    foreign = await client.post(CAPTIONS, json={"media_id": job["media_id"]}, headers=stranger.headers)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "media-not-found")
    assert (await client.get(CAPTIONS, headers=stranger.headers)).json()["items"] == []
    assert (await client.get(CAPTIONS)).status_code == 401


async def test_list_is_a_feed_without_documents(client: httpx2.AsyncClient, person: SignedIn, film: bytes) -> None:
    jobs = [await request(client, person, film, **MP4) for _ in range(3)]
    for job in jobs:
        await until_done(client, person, job["id"])
    first = (await client.get(CAPTIONS, params={"limit": 2}, headers=person.headers)).json()
    rest = (await client.get(CAPTIONS, params={"cursor": first["next_cursor"]}, headers=person.headers)).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [job["id"] for job in reversed(jobs)]
    assert rest["next_cursor"] is None
    of_one = await client.get(CAPTIONS, params={"media_id": jobs[0]["media_id"]}, headers=person.headers)
    assert [item["id"] for item in of_one.json()["items"]] == [jobs[0]["id"]]
    assert "document" not in json.dumps(first)


async def test_captions_go_with_their_media(client: httpx2.AsyncClient, person: SignedIn, speech: bytes) -> None:
    job = await request(client, person, speech)
    events = follow(client, person, job["id"])
    await anext(events)
    gone = await client.delete(f"/api/v1/media/{job['media_id']}", headers=person.headers)
    assert gone.status_code == 204
    told = [entry async for entry in events]
    assert "done" not in {entry.event for entry in told}
    assert (await client.get(f"{CAPTIONS}/{job['id']}", headers=person.headers)).status_code == 404


async def test_deleted_job_is_gone_and_its_media_stays(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes
) -> None:
    job = await request(client, person, film, **MP4)
    assert (await client.delete(f"{CAPTIONS}/{job['id']}", headers=person.headers)).status_code == 204
    assert (await client.get(f"{CAPTIONS}/{job['id']}", headers=person.headers)).status_code == 404
    assert (await client.get(f"/api/v1/media/{job['media_id']}", headers=person.headers)).status_code == 200


async def test_token_without_the_scope_does_not_reach_captions(client: httpx2.AsyncClient, person: SignedIn) -> None:
    form = {"username": person.account_id, "password": "correct horse battery staple", "scope": "profile"}
    token = (await client.post("/api/v1/accounts/token", data=form)).json()["access_token"]
    client.cookies.clear()
    answer = await client.get(CAPTIONS, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")
