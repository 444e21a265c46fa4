"""One bucket: clients with bounded patience, calls in threads of their own, and what their errors mean here."""

from collections.abc import Callable
from typing import Any, TypeVar

import boto3
import structlog
from anyio import CapacityLimiter, to_thread
from boto3.exceptions import Boto3Error
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from madang.backends.storage.base import NotStored, StorageUnavailable
from madang.backends.storage.s3_url import S3Url
from madang.kit.unit_guard import forbid_in_unit

log = structlog.get_logger("madang.storage")
T = TypeVar("T")
RETRY_SECONDS = 10
_THREADS = 16
_MOST_CALLS = 5 * _THREADS
_ANSWER_SECONDS = 5
_TRANSFER_SECONDS = 60
_NOT_STORED = {"NoSuchKey", "NotFound", "404"}
_GONE = {"NoSuchUpload"}
_OVERTAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "InvalidPart", "412", "409"}


class NoSuchUpload(Exception):
    """The multipart upload was completed or aborted."""


class Overtaken(StorageUnavailable):
    """Somebody else has changed what this call stands on; whoever does not try again answers as if it were away."""


def unavailable(kind: type[StorageUnavailable] = StorageUnavailable) -> StorageUnavailable:
    return kind(retry_after=RETRY_SECONDS, seconds=RETRY_SECONDS)


class Bucket:
    """Threads are its own and few, so that a storage that hangs takes no thread from anything else."""

    def __init__(self, url: S3Url) -> None:
        self.url = url
        self._limiter = CapacityLimiter(_THREADS)
        self._in_hand = 0
        self._session = boto3.Session()  # a second one would read 2 MB of descriptions again
        self.quick = self._client(url.endpoint_url, _ANSWER_SECONDS)
        self.patient = self._client(url.endpoint_url, _TRANSFER_SECONDS)
        self.public = self._client(url.public_endpoint_url, _ANSWER_SECONDS)
        _let_parts_have_a_type(self.public)

    def name(self, key: str) -> str:
        """What the object of a key is called in the bucket."""
        return self.url.prefix + key

    async def call(self, operation: str, key: str, **parameters: Any) -> Any:
        """One quick operation on the object of a key."""
        named = {"Bucket": self.url.bucket, "Key": self.name(key)} | parameters
        return await self.run(lambda: getattr(self.quick, operation)(**named))

    async def pages(self, operation: str, found: str, **parameters: Any) -> list[Any]:
        """All items of a listing, whatever number of pages it has."""
        paginator = self.quick.get_paginator(operation)
        named = {"Bucket": self.url.bucket} | parameters
        return await self.run(lambda: [one for page in paginator.paginate(**named) for one in page.get(found, [])])

    async def transfer(self, work: Callable[[Any], T]) -> T:
        """Something that may rightly take the server a while, with a client that waits for it."""
        return await self.run(lambda: work(self.patient))

    def sign(self, operation: str, key: str, seconds: int, **parameters: Any) -> str:
        """The URL, at the public endpoint, of a request that needs no other credential; no call is made."""
        named = {"Bucket": self.url.bucket, "Key": self.name(key)} | parameters
        url: str = self.public.generate_presigned_url(operation, Params=named, ExpiresIn=seconds)
        return url

    def anonymous(self) -> Any:
        """A client without credentials, to see what strangers may do. The caller closes it."""
        return self._client(self.url.public_endpoint_url, _ANSWER_SECONDS, UNSIGNED)

    async def run(self, work: Callable[[], T]) -> T:
        """In a thread; errors become `NotStored`, `NoSuchUpload`, `Overtaken` or `StorageUnavailable`."""
        forbid_in_unit("using the storage")
        if self._in_hand >= _MOST_CALLS:
            raise unavailable()
        self._in_hand += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        except ClientError as error:
            raise _meaning(error) from error
        except (BotoCoreError, Boto3Error, OSError) as error:
            log.warning("storage does not answer", fault=type(error).__name__)
            raise unavailable() from error
        finally:
            self._in_hand -= 1

    def close(self) -> None:
        for client in (self.quick, self.patient, self.public):
            client.close()

    def _client(self, endpoint: str, seconds: int, signature: object = "s3v4") -> Any:
        url = self.url
        return self._session.client(
            "s3",
            endpoint_url=endpoint or None,
            region_name=url.region or self._session.region_name or "us-east-1",
            aws_access_key_id=url.access_key or None,
            aws_secret_access_key=url.secret_key or None,
            config=_patience(url, seconds, signature),
        )


def _patience(url: S3Url, seconds: int, signature: object) -> Config:
    """Checksums beyond the signed headers are left out: browsers can't send them, older servers don't know them."""
    return Config(
        signature_version=signature,
        s3={"addressing_style": url.addressing_style},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=3,
        read_timeout=seconds,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=_THREADS,
    )


def _meaning(error: ClientError) -> Exception:
    """Refused credentials and a missing bucket are the operator's matter: the log and `doctor` name them."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _NOT_STORED:
        return NotStored(code)
    if code in _GONE:
        return NoSuchUpload(code)
    if code in _OVERTAKEN:
        return unavailable(Overtaken)
    log.warning("storage refuses", operation=error.operation_name, code=code)
    return unavailable()


def _let_parts_have_a_type(client: Any) -> None:
    """boto3 has no content type for a part, S3 checks whatever header is signed: take it as a parameter and sign it."""

    def take(params: dict[str, Any], context: dict[str, Any], **_others: Any) -> None:
        context["part_type"] = params.pop("ContentType", "application/octet-stream")

    def add(request: Any, **_others: Any) -> None:
        request.headers["Content-Type"] = request.context["part_type"]

    client.meta.events.register("before-parameter-build.s3.UploadPart", take)
    client.meta.events.register("before-sign.s3.UploadPart", add)
