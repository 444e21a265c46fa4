"""Signed links: what they take, what they refuse, and how files are served over them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2
import pytest
from tests.factories import SignedIn
from tests.media.uploads import FLAC, MEDIA, announce, complete, look_up, put, ready_media, stored_files, until_stored

from madang.backends import Backends
from madang.settings import Settings


async def download_url(client: httpx2.AsyncClient, person: SignedIn, media_id: str) -> str:
    answer = await client.get(f"{MEDIA}/{media_id}/download", headers=person.headers)
    assert answer.status_code == 302
    location: str = answer.headers["location"]
    return location


def outcome(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def raw_status(url: str, headers: str, body: bytes) -> bytes:
    """The status line's code for a request whose body never ends."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"PUT {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{headers}\r\n\r\n".encode() + body)
    async with asyncio.timeout(20):
        status = (await reader.readline()).split()[1]
    writer.close()
    return status


async def test_links_are_absolute_so_that_curl_can_use_them(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    part = (await announce(client, person, recording))["parts"][0]
    assert part["url"].startswith(f"{client.base_url}/api/v1/media/links/".replace("//api", "/api"))
    assert part["headers"] == {"Content-Type": FLAC}


async def test_a_link_binds_the_type(client: httpx2.AsyncClient, person: SignedIn, recording: bytes) -> None:
    part = (await announce(client, person, recording))["parts"][0]
    for headers in ({}, {"Content-Type": "text/html"}):
        answer = await client.put(part["url"], content=recording, headers=headers)
        assert outcome(answer) == (415, "upload-type-mismatch")


async def test_a_body_shorter_or_longer_than_announced_leaves_nothing(
    client: httpx2.AsyncClient, person: SignedIn, settings: Settings, recording: bytes
) -> None:
    async def chunked(content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 50_000):
            yield content[start : start + 50_000]

    announced = await announce(client, person, recording)
    part = announced["parts"][0]
    for content in (recording + b"x", chunked(recording + b"x")):
        answer = await client.put(part["url"], content=content, headers=part["headers"])
        assert outcome(answer) == (413, "part-too-large")
    for content in (recording[:-1], chunked(recording[:-1]), b""):
        answer = await client.put(part["url"], content=content, headers=part["headers"])
        assert outcome(answer) == (422, "upload-incomplete")
    assert stored_files(settings) == []
    assert (await look_up(client, person, announced["id"]))["uploaded_parts"] == []
    sent = await client.put(part["url"], content=chunked(recording), headers=part["headers"])
    assert sent.status_code == 200


async def test_a_body_that_is_too_long_is_refused_before_it_is_read_whole(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    url = (await announce(client, person, b"x" * 10))["parts"][0]["url"]
    kind = f"Content-Type: {FLAC}\r\n"
    assert await raw_status(url, f"{kind}Transfer-Encoding: chunked", b"b\r\n12345678901\r\n") == b"413"
    assert await raw_status(url, f"{kind}Content-Length: 11", b"") == b"413"
    assert await raw_status(url, f"{kind}Content-Length: 99999999999", b"") == b"413"


async def test_an_upload_that_the_client_breaks_off_leaves_nothing(
    client: httpx2.AsyncClient, person: SignedIn, settings: Settings
) -> None:
    parts = urlsplit((await announce(client, person, b"x" * 10))["parts"][0]["url"])
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"PUT {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {FLAC}\r\nContent-Length: 10\r\n\r\n"
    writer.write(head.encode() + b"12345")
    await until_stored(settings, 1)
    writer.close()
    await until_stored(settings, 0)
    items = (await client.get(MEDIA, headers=person.headers)).json()["items"]
    assert [item["state"] for item in items] == ["pending"]


async def test_an_expired_forged_or_foreign_link_is_refused(
    client: httpx2.AsyncClient, person: SignedIn, backends: Backends, recording: bytes
) -> None:
    announced = await announce(client, person, recording)
    part, key = announced["parts"][0], f"media/{announced['id']}"
    expired = (await backends.storage.upload_parts(key, {1: len(recording)}, FLAC, timedelta(seconds=-1)))[1]
    over = await backends.storage.download(key, "a", FLAC, attachment=False, expires_in=timedelta(seconds=-1))
    reading = await backends.storage.download(key, "a", FLAC, attachment=False, expires_in=timedelta(hours=1))

    async def send(url: str) -> tuple[int, str]:
        return outcome(await client.put(url, content=recording, headers=part["headers"]))

    assert await send(expired.url) == (403, "upload-link-expired")
    assert await send(part["url"] + "A") == (403, "upload-link-invalid")
    assert await send(f"{MEDIA}/links/x") == (403, "upload-link-invalid")
    assert await send(reading.url) == (403, "upload-link-invalid")
    assert outcome(await client.get(part["url"])) == (403, "download-link-invalid")
    assert outcome(await client.get(over.url)) == (403, "download-link-expired")
    assert (await look_up(client, person, announced["id"]))["uploaded_parts"] == []


async def test_no_refusal_and_no_log_line_shows_a_link(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    media = await ready_media(client, person, recording)
    url = await download_url(client, person, media["id"])
    token = url.rpartition("/")[2]
    refused = await client.get(url, headers={"Range": "bytes=99999999999-"})
    assert (refused.status_code, refused.json()["instance"]) == (416, "/api/v1/media/links/{token}")
    assert (await client.get(url)).status_code == 200
    logged = capsys.readouterr()
    assert token not in logged.out + logged.err + refused.text
    assert "/api/v1/media/links/{token}" in logged.out + logged.err


async def test_a_finished_or_deleted_upload_takes_nothing_more_although_its_link_lives(
    client: httpx2.AsyncClient, person: SignedIn, settings: Settings, recording: bytes
) -> None:
    announced = await announce(client, person, recording)
    part = announced["parts"][0]
    await put(client, part, recording)
    await complete(client, person, announced["id"])
    assert outcome(await put(client, part, recording)) == (409, "upload-closed")
    deleted = await announce(client, person, recording)
    await client.delete(f"{MEDIA}/{deleted['id']}", headers=person.headers)
    assert outcome(await put(client, deleted["parts"][0], recording)) == (409, "upload-closed")
    assert len(stored_files(settings)) == 1


async def test_a_page_of_another_site_can_not_send_over_a_link(client: httpx2.AsyncClient, person: SignedIn) -> None:
    part = (await announce(client, person, b"x" * 10))["parts"][0]
    own = str(client.base_url).rstrip("/")
    for origin, status in (("https://evil.example", 403), (own, 200)):
        answer = await client.put(part["url"], content=b"x" * 10, headers=part["headers"] | {"Origin": origin})
        assert answer.status_code == status


async def test_a_file_is_served_with_its_detected_type_and_runs_nothing(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    media = await ready_media(client, person, recording, filename="page.html", content_type="video/mp4")
    url = await download_url(client, person, media["id"])
    for method in ("GET", "HEAD"):
        answer = await client.request(method, url)
        assert (answer.status_code, answer.headers["content-type"]) == (200, FLAC)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "sandbox"
        assert answer.headers["content-disposition"].startswith("inline;")
        assert answer.headers["content-length"] == str(len(recording))
    assert (await client.get(url)).content == recording


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=100-199", 206, 100, 200),
        ("bytes=-10", 206, -10, None),
        ("bytes=1000-", 206, 1000, None),
        ("bytes=1000-99999999999", 206, 1000, None),
        ("bytes=-99999999999", 206, 0, None),
        ("bytes=5-3", 200, 0, None),
        ("bytes=a-b", 200, 0, None),
        ("bytes=0-1,5-6", 200, 0, None),
        ("lines=0-1", 200, 0, None),
    ],
)
async def test_ranges_are_served_and_malformed_ones_ignored(
    client: httpx2.AsyncClient, person: SignedIn, asked: str, status: int, start: int, end: int | None, recording: bytes
) -> None:
    media = await ready_media(client, person, recording)
    answer = await client.get(await download_url(client, person, media["id"]), headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, recording[start:end])
    assert ("content-range" in answer.headers) is (status == 206)


async def test_a_range_outside_the_file_tells_its_length(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    media = await ready_media(client, person, recording)
    url = await download_url(client, person, media["id"])
    for asked in (f"bytes={len(recording)}-", "bytes=99999999999-", "bytes=-0"):
        answer = await client.get(url, headers={"Range": asked})
        assert outcome(answer) == (416, "range-not-satisfiable")
        assert answer.headers["content-range"] == f"bytes */{len(recording)}"


async def test_if_range_guards_a_resumed_download(
    client: httpx2.AsyncClient, person: SignedIn, recording: bytes
) -> None:
    media = await ready_media(client, person, recording)
    url = await download_url(client, person, media["id"])
    etag = (await client.head(url)).headers["etag"]
    same = await client.get(url, headers={"Range": "bytes=5-", "If-Range": etag})
    other = await client.get(url, headers={"Range": "bytes=5-", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


HOSTILE = [
    ("../../etc/passwd", "passwd"),
    ("C:\\Users\\me\\film.mp4", "film.mp4"),
    ('a"; filename="evil.html', 'a"; filename="evil.html'),
    ("a\r\nX-Evil: 1\x1b.mp4", "aX-Evil: 1.mp4"),
    ("한글 영상 🎬.mp4", "한글 영상 🎬.mp4"),
    ("exe.\u202e4pm", "exe.4pm"),
    ("..", "file"),
    ("100%.mp4", "100%.mp4"),
]


@pytest.mark.parametrize(("name", "kept"), HOSTILE)
async def test_hostile_names_are_text_and_nothing_else(
    client: httpx2.AsyncClient, person: SignedIn, settings: Settings, recording: bytes, name: str, kept: str
) -> None:
    media = await ready_media(client, person, recording, filename=name)
    assert media["filename"] == kept
    answer = await client.get(await download_url(client, person, media["id"]))
    disposition = answer.headers["content-disposition"]
    assert disposition.isascii()
    assert "x-evil" not in answer.headers
    assert disposition.count('"') == 2
    assert unquote(disposition.partition("filename*=UTF-8''")[2]) == kept
    assert [path.name for path in stored_files(settings)] == [media["id"]]


async def test_a_name_that_is_no_text_is_refused(client: httpx2.AsyncClient, person: SignedIn) -> None:
    body: dict[str, Any] = {"filename": "\ud800.mp4", "content_type": FLAC, "size": 1}
    headers = person.headers | {"Content-Type": "application/json"}
    content = str(body).replace("'", '"').encode("utf-8", "surrogatepass")
    escaped = b'{"filename": "\\ud800.mp4", "content_type": "audio/flac", "size": 1}'
    for raw in (content, escaped):
        answer = await client.post(MEDIA, content=raw, headers=headers)
        assert answer.status_code in {400, 422}, answer.text
