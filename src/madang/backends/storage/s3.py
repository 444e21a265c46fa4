"""Storage in a bucket of AWS S3 or a server that speaks its protocol; clients send and fetch there directly.

Every file is a multipart upload, small ones of one part: once that is completed, no link to it writes anything, so a
file can't change after its content was checked. Nothing about an upload is kept here: the bucket is asked. Of several
uploads under one key, which only a race makes, everybody takes the oldest.
"""

from asyncio import Lock
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from weakref import WeakValueDictionary

from boto3.s3.transfer import TransferConfig

from madang.backends.storage.base import Fault, NotStored, SignedRequest, StoredPart, UploadOver
from madang.backends.storage.keys import check_key
from madang.backends.storage.s3_bucket import Bucket, NoSuchUpload, Overtaken, unavailable
from madang.backends.storage.s3_check import examine
from madang.backends.storage.s3_fetch import fetch
from madang.backends.storage.s3_url import S3Url
from madang.kit.disposition import content_disposition
from madang.kit.media_types import opens_in_page
from madang.kit.unit_guard import forbid_in_unit

_UNKNOWN = "application/octet-stream"
_HARMLESS = {"ContentType": _UNKNOWN, "ContentDisposition": "attachment"}
_LONGEST_LINK = timedelta(days=7)
_ATTEMPTS = 3
_TRANSFER = TransferConfig(multipart_threshold=64 << 20, multipart_chunksize=16 << 20, max_concurrency=4)


class S3Storage:
    def __init__(self, url: str) -> None:
        self._bucket = Bucket(S3Url.parse(url))
        self._beginning: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    async def upload_parts(
        self, key: str, sizes: Mapping[int, int], content_type: str, expires_in: timedelta
    ) -> dict[int, SignedRequest]:
        async with self._beginning.setdefault(check_key(key), Lock()):
            upload_id = await self._begin(key)
        seconds, headers = _seconds(expires_in), {"Content-Type": content_type}

        def sign(number: int, size: int) -> SignedRequest:
            bound = {"ContentType": content_type, "ContentLength": size}
            return SignedRequest(
                "PUT",
                self._bucket.sign("upload_part", key, seconds, UploadId=upload_id, PartNumber=number, **bound),
                headers,
            )

        return await self._bucket.run(lambda: {number: sign(number, size) for number, size in sizes.items()})

    async def uploaded_parts(self, key: str) -> list[StoredPart]:
        upload_id = await self._oldest(check_key(key))
        if upload_id is None or await self._size(key) is not None:
            return []
        return [
            StoredPart(part["PartNumber"], part["ETag"].strip('"'), part["Size"])
            for part in await self._parts(key, upload_id)
        ]

    async def complete(self, key: str) -> int:
        for _ in range(_ATTEMPTS):
            with suppress(Overtaken):  # a part was sent again meanwhile, or another caller has just completed it
                return await self._complete(check_key(key))
        raise unavailable()

    async def put(self, key: str, source: Path) -> None:
        name = self._bucket.name(check_key(key))
        place = {"Bucket": self._bucket.url.bucket, "Key": name, "ExtraArgs": _HARMLESS, "Config": _TRANSFER}
        await self._bucket.transfer(lambda client: client.upload_file(str(source), **place))

    async def download(
        self, key: str, filename: str, content_type: str, *, attachment: bool, expires_in: timedelta
    ) -> SignedRequest:
        """The bucket adds no `nosniff` and no sandbox, so whatever could run anything is bytes to save."""
        saved = attachment or not opens_in_page(content_type)
        shown = {
            "ResponseContentType": _UNKNOWN if saved else content_type,
            "ResponseContentDisposition": content_disposition(filename, attachment=saved),
            "ResponseCacheControl": "private",
        }
        seconds = _seconds(expires_in)
        checked = check_key(key)
        url = await self._bucket.run(lambda: self._bucket.sign("get_object", checked, seconds, **shown))
        return SignedRequest("GET", url)

    @asynccontextmanager
    async def local_copy(self, key: str) -> AsyncIterator[Path]:
        forbid_in_unit("using the storage")
        with TemporaryDirectory(prefix="madang-media-") as folder:
            path = Path(folder) / "file"
            await fetch(self._bucket, check_key(key), path)
            yield path

    async def delete(self, key: str) -> None:
        """The uploads first: a completion under way then finds nothing, or has made the file that goes next."""
        await self._abort_all(check_key(key))
        with suppress(NotStored):
            await self._bucket.call("delete_object", key)

    async def sweep(self, folder: str, before: datetime) -> None:
        for upload in await self._uploads(f"{check_key(folder)}/"):
            if upload["Initiated"] < before:
                await self._abort(upload)

    async def check(self, origins: Sequence[str], *, fix: bool = False) -> list[Fault]:
        return await examine(self._bucket, origins, fix=fix)

    async def close(self) -> None:
        self._bucket.close()

    def __str__(self) -> str:
        return str(self._bucket.url)

    async def _begin(self, key: str) -> str:
        """The upload under way, or a new one; looked up once more, since another caller may have begun one too."""
        begun = await self._oldest(key)
        if begun is not None:
            return begun
        if await self._size(key) is not None:
            raise UploadOver
        created = await self._bucket.call("create_multipart_upload", key, **_HARMLESS)
        return await self._oldest(key) or str(created["UploadId"])

    async def _complete(self, key: str) -> int:
        """Looks for the upload before the file, so that what came after the file is never taken for it."""
        upload_id = await self._oldest(key)
        size = await self._size(key)
        if size is None and upload_id is not None:
            await self._join(key, upload_id)
            size = await self._size(key)
        if size is None:
            raise NotStored(key)
        if upload_id is not None:
            await self._abort_all(key)
        return size

    async def _join(self, key: str, upload_id: str) -> None:
        parts = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in await self._parts(key, upload_id)]
        if not parts:
            return
        request = {
            "Bucket": self._bucket.url.bucket,
            "Key": self._bucket.name(key),
            "UploadId": upload_id,
            "MultipartUpload": {"Parts": parts},
            "IfNoneMatch": "*",
        }
        with suppress(NoSuchUpload):
            await self._bucket.transfer(lambda client: client.complete_multipart_upload(**request))

    async def _size(self, key: str) -> int | None:
        try:
            return int((await self._bucket.call("head_object", key))["ContentLength"])
        except NotStored:
            return None

    async def _oldest(self, key: str) -> str | None:
        """The upload of this very key that began first."""
        name = self._bucket.name(key)
        mine = [upload for upload in await self._uploads(key) if upload["Key"] == name]
        first = min(mine, key=lambda upload: (upload["Initiated"], upload["UploadId"]), default=None)
        return None if first is None else str(first["UploadId"])

    async def _uploads(self, prefix: str) -> list[Any]:
        return await self._bucket.pages("list_multipart_uploads", "Uploads", Prefix=self._bucket.name(prefix))

    async def _parts(self, key: str, upload_id: str) -> list[Any]:
        with suppress(NoSuchUpload):
            return await self._bucket.pages("list_parts", "Parts", Key=self._bucket.name(key), UploadId=upload_id)
        return []

    async def _abort_all(self, key: str) -> None:
        name = self._bucket.name(key)
        for upload in await self._uploads(key):
            if upload["Key"] == name:
                await self._abort(upload)

    async def _abort(self, upload: Any) -> None:
        key = upload["Key"].removeprefix(self._bucket.url.prefix)
        with suppress(NoSuchUpload, NotStored):
            await self._bucket.call("abort_multipart_upload", key, UploadId=upload["UploadId"])


def _seconds(expires_in: timedelta) -> int:
    """S3 takes no link that lives longer than a week."""
    return int(min(expires_in, _LONGEST_LINK).total_seconds())
