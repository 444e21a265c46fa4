"""What signed links into a bucket allow, by a server that checks them as AWS does."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.peers.s3_server import S3Server, storage_url

from madang.backends.storage.base import SignedRequest
from madang.backends.storage.s3 import S3Storage

pytestmark = pytest.mark.timeout(900)  # the first use downloads the server
HOUR = timedelta(hours=1)
KEY, FLAC, CONTENT = "media/a", "audio/flac", b"0123456789"
TYPED = {"Content-Type": FLAC}


@pytest.fixture
async def web() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
        yield client


async def part(storage: S3Storage, key: str = KEY, expires_in: timedelta = HOUR) -> SignedRequest:
    return (await storage.upload_parts(key, {1: len(CONTENT)}, FLAC, expires_in))[1]


async def link(storage: S3Storage, content_type: str = FLAC, *, attachment: bool = False) -> str:
    return (await storage.download(KEY, "말.flac", content_type, attachment=attachment, expires_in=HOUR)).url


async def store(storage: S3Storage, web: httpx2.AsyncClient) -> None:
    signed = await part(storage)
    assert (await web.put(signed.url, content=CONTENT, headers=signed.headers)).status_code == 200
    await storage.complete(KEY)


async def chunks() -> AsyncIterator[bytes]:
    yield CONTENT


async def test_a_part_is_taken_as_it_was_signed(storage: S3Storage, web: httpx2.AsyncClient) -> None:
    signed = await part(storage)
    assert (signed.method, signed.headers) == ("PUT", TYPED)
    answer = await web.put(signed.url, content=CONTENT, headers=signed.headers)
    assert (answer.status_code, bool(answer.headers["etag"])) == (200, True)
    assert [(one.part_number, one.size) for one in await storage.uploaded_parts(KEY)] == [(1, len(CONTENT))]


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (CONTENT + b"x", TYPED),
        (CONTENT[:-1], TYPED),
        (b"", TYPED),
        (CONTENT, {"Content-Type": "text/html"}),
        (CONTENT, {}),
    ],
)
async def test_another_type_or_size_than_signed_leaves_nothing(
    storage: S3Storage, web: httpx2.AsyncClient, content: bytes, headers: dict[str, str]
) -> None:
    answer = await web.put((await part(storage)).url, content=content, headers=headers)
    assert answer.status_code == 403
    assert await storage.uploaded_parts(KEY) == []


async def test_a_body_without_length_leaves_nothing(storage: S3Storage, web: httpx2.AsyncClient) -> None:
    answer = await web.put((await part(storage)).url, content=chunks(), headers=TYPED)
    assert answer.status_code in {403, 411}
    assert await storage.uploaded_parts(KEY) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("media/a?", "media/b?"),
        ("partNumber=1", "partNumber=2"),
        ("X-Amz-Expires=3600", "X-Amz-Expires=86400"),
        ("content-length%3Bcontent-type%3Bhost", "host"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("uploadId=", "uploadId=x"),
    ],
)
async def test_a_changed_link_opens_nothing(storage: S3Storage, web: httpx2.AsyncClient, old: str, new: str) -> None:
    await part(storage, "media/b")
    url = (await part(storage)).url
    assert old in url
    answer = await web.put(url.replace(old, new, 1), content=CONTENT, headers=TYPED)
    assert answer.status_code == 403
    assert await storage.uploaded_parts(KEY) == await storage.uploaded_parts("media/b") == []


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "HEAD"])
async def test_a_link_is_for_its_method_alone(storage: S3Storage, web: httpx2.AsyncClient, method: str) -> None:
    answer = await web.request(method, (await part(storage)).url, headers=TYPED)
    assert answer.status_code == 403


async def test_an_expired_link_opens_nothing(storage: S3Storage, web: httpx2.AsyncClient) -> None:
    signed = await part(storage, expires_in=timedelta(seconds=1))
    async with asyncio.timeout(20):
        while (answer := await web.put(signed.url, content=CONTENT, headers=signed.headers)).status_code == 200:
            continue
    assert answer.status_code == 403


async def test_a_link_of_another_secret_opens_nothing(
    s3: S3Server, bucket: str, storage: S3Storage, web: httpx2.AsyncClient
) -> None:
    await store(storage, web)
    forger = S3Storage(storage_url(s3, bucket, prefix="team").replace("signs@", "guess@"))
    assert (await web.get(await link(forger))).status_code == 403
    await forger.close()


async def test_without_a_link_nothing_is_read_or_listed(
    s3: S3Server, bucket: str, storage: S3Storage, web: httpx2.AsyncClient
) -> None:
    await store(storage, web)
    for path in (bucket, f"{bucket}/team/{KEY}"):
        assert (await web.get(f"{s3.endpoint_url}/{path}")).status_code == 403


async def test_an_upload_that_was_deleted_takes_nothing_though_its_links_live(
    storage: S3Storage, web: httpx2.AsyncClient
) -> None:
    signed = await part(storage)
    await storage.delete(KEY)
    assert (await web.put(signed.url, content=CONTENT, headers=signed.headers)).status_code == 404
    assert await storage.uploaded_parts(KEY) == []


async def test_a_file_is_fetched_in_ranges_with_the_type_given(storage: S3Storage, web: httpx2.AsyncClient) -> None:
    await store(storage, web)
    url = await link(storage)
    whole = await web.get(url)
    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert (whole.headers["content-type"], whole.headers["cache-control"]) == (FLAC, "private")
    assert whole.headers["content-disposition"].startswith('inline; filename="_.flac"; filename*=UTF-8')
    some = await web.get(url, headers={"Range": "bytes=2-4"})
    assert (some.status_code, some.content) == (206, CONTENT[2:5])
    assert some.headers["content-range"] == f"bytes 2-4/{len(CONTENT)}"
    assert (await web.get(url, headers={"Range": "bytes=10-"})).status_code == 416


@pytest.mark.parametrize(
    ("content_type", "attachment"),
    [("text/html", False), ("image/svg+xml", False), ("application/pdf", False), (FLAC, True), ("text/html", True)],
)
async def test_what_could_run_is_bytes_to_save(
    storage: S3Storage, web: httpx2.AsyncClient, content_type: str, attachment: bool
) -> None:
    await store(storage, web)
    url = await link(storage, content_type, attachment=attachment)
    answer = await web.get(url)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    for other in ("text/html", FLAC):
        changed = url.replace("application%2Foctet-stream", other.replace("/", "%2F"))
        assert (await web.get(changed)).status_code == 403


async def test_files_lie_under_the_prefix_as_bytes_to_save_whatever_link_is_made(
    s3: S3Server, bucket: str, storage: S3Storage, web: httpx2.AsyncClient, tmp_path: Path
) -> None:
    await store(storage, web)
    (tmp_path / "page").write_text("<script>")
    await storage.put("exports/a", tmp_path / "page")
    for name in ("team/media/a", "team/exports/a"):
        stored = s3.client.head_object(Bucket=bucket, Key=name)
        assert (stored["ContentType"], stored["ContentDisposition"]) == ("application/octet-stream", "attachment")


async def test_links_lead_to_the_public_endpoint(s3: S3Server, bucket: str) -> None:
    opened = S3Storage(storage_url(s3, bucket, public_endpoint_url="https://files.example.org"))
    for url in ((await part(opened)).url, await link(opened)):
        assert urlsplit(url)[:3] == ("https", "files.example.org", f"/{bucket}/{KEY}")
    await opened.close()
