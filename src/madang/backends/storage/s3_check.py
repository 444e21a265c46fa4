"""What `madang doctor` asks of a bucket: it is there, it lets us in and nobody else, and browsers may use it."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from madang.backends.storage.base import Fault
from madang.backends.storage.s3_bucket import Bucket

_RULE = "madang"
_METHODS = {"GET", "PUT"}
_NO_RULES = {"NoSuchCORSConfiguration"}
_RULES_ELSEWHERE = {"NotImplemented", "MethodNotAllowed"}
_ADVICE = {
    "NoSuchBucket": "create the bucket, or correct MADANG_STORAGE_URL",
    "InvalidAccessKeyId": "correct the access key in MADANG_STORAGE_URL or AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "correct the secret key in MADANG_STORAGE_URL or AWS_SECRET_ACCESS_KEY",
    "RequestTimeTooSkewed": "set this machine's clock",
}


async def examine(bucket: Bucket, origins: Sequence[str], *, fix: bool) -> list[Fault]:
    """Every fault; what needs access is left out without it."""
    faults = await bucket.run(lambda: _try_object(bucket))
    if not any(fault.is_fatal for fault in faults):
        faults += _mixed_content(bucket, origins)
        faults += await bucket.run(lambda: _cors(bucket, origins, fix=fix))
    return faults


def _try_object(bucket: Bucket) -> list[Fault]:
    """Do to an object of our own whatever the product does, and what strangers must not."""
    place = {"Bucket": bucket.url.bucket, "Key": bucket.name(f"doctor/{uuid4().hex}")}
    faults = _allowed(bucket, place)
    if not faults:
        faults = _public_endpoint(bucket, place) + _open_to_strangers(bucket, place)
    _fault_of(lambda: bucket.quick.delete_object(**place))
    return faults


def _allowed(bucket: Bucket, place: dict[str, str]) -> list[Fault]:
    client = bucket.quick
    prefix = {"Bucket": place["Bucket"], "Prefix": place["Key"]}
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("s3:PutObject", lambda: client.put_object(Body=b"madang doctor", **place)),
        ("s3:GetObject", lambda: _read(client, place)),
        ("s3:ListBucketMultipartUploads", lambda: client.list_multipart_uploads(**prefix)),
        ("s3:ListBucket", lambda: _look_for_nothing(client, place)),
        ("s3:AbortMultipartUpload, s3:ListMultipartUploadParts", lambda: _begin_and_abort(client, place)),
        ("s3:DeleteObject", lambda: client.delete_object(**place)),
        ("s3:PutObject", lambda: client.put_object(Body=b"madang doctor", **place)),
    ]
    for permission, step in steps:
        if code := _fault_of(step):
            advice = _ADVICE.get(code, f"allow {permission} on the bucket, or see the server's log")
            return [Fault(f"{bucket.url}: {code}", advice)]
    return []


def _read(client: Any, place: dict[str, str]) -> None:
    client.get_object(**place)["Body"].close()


def _look_for_nothing(client: Any, place: dict[str, str]) -> None:
    """Without the permission to list, S3 says of an absent object that it is forbidden."""
    try:
        client.head_object(Bucket=place["Bucket"], Key=f"{place['Key']}.absent")
    except ClientError as error:
        if _code(error) not in {"404", "NotFound", "NoSuchKey"}:
            raise


def _begin_and_abort(client: Any, place: dict[str, str]) -> None:
    upload = place | {"UploadId": client.create_multipart_upload(**place)["UploadId"]}
    client.list_parts(**upload)
    client.abort_multipart_upload(**upload)


def _public_endpoint(bucket: Bucket, place: dict[str, str]) -> list[Fault]:
    """Signed as clients' links are; a proxy that changes the Host header breaks every one of them."""
    code = _fault_of(lambda: bucket.public.head_object(**place))
    if not code:
        return []
    if code in {"403", "404", "400"}:
        advice = "let the proxy in front of the storage pass on path and Host header unchanged"
        return [Fault(f"{bucket.url.public_endpoint_url} refuses signed requests: {code}", advice)]
    advice = "see that browsers reach public_endpoint_url; from this machine it need not answer"
    return [Fault(f"{bucket.url.public_endpoint_url} does not answer: {code}", advice, is_fatal=False)]


def _open_to_strangers(bucket: Bucket, place: dict[str, str]) -> list[Fault]:
    client = bucket.anonymous()
    try:
        read = _fault_of(lambda: _read(client, place))
        listed = _fault_of(lambda: client.list_objects_v2(Bucket=place["Bucket"], MaxKeys=1))
    finally:
        client.close()
    if read and listed:
        return []
    return [Fault(f"{bucket.url} is open to everybody", "block public access; links are signed and need none")]


def _mixed_content(bucket: Bucket, origins: Sequence[str]) -> list[Fault]:
    """Browsers let no https page fetch from an http address."""
    if not bucket.url.public_endpoint_url.startswith("http:") or not any(one.startswith("https:") for one in origins):
        return []
    advice = "give public_endpoint_url an https:// address; browsers refuse others on https pages"
    return [Fault(f"links lead to {bucket.url.public_endpoint_url}", advice)]


def _cors(bucket: Bucket, origins: Sequence[str], *, fix: bool) -> list[Fault]:
    place = {"Bucket": bucket.url.bucket}
    try:
        rules = bucket.quick.get_bucket_cors(**place)["CORSRules"]
    except ClientError as error:
        if _code(error) in _RULES_ELSEWHERE:
            return [_set_elsewhere(origins)]
        if _code(error) not in _NO_RULES:
            return [Fault(f"CORS can't be read: {_code(error)}", "allow s3:GetBucketCORS", is_fatal=False)]
        rules = []
    missing = [origin for origin in origins if not any(_covers(rule, origin) for rule in rules)]
    if not missing:
        return []
    if not fix:
        return [Fault(f"CORS lets no page of {', '.join(missing)} send and fetch", "run: madang doctor --fix")]
    kept = [rule for rule in rules if rule.get("ID") != _RULE]
    new = {"CORSRules": [*kept, _rule(origins)]}
    code = _fault_of(lambda: bucket.quick.put_bucket_cors(CORSConfiguration=new, **place))
    return [Fault(f"CORS can't be set: {code}", "allow s3:PutBucketCORS")] if code else []


def _set_elsewhere(origins: Sequence[str]) -> Fault:
    advice = f"let it allow {', '.join(origins)} to GET and PUT, and expose ETag"
    return Fault("CORS is not set by this server's API", advice, is_fatal=False)


def _rule(origins: Sequence[str]) -> dict[str, Any]:
    return {
        "ID": _RULE,
        "AllowedOrigins": list(origins),
        "AllowedMethods": sorted(_METHODS),
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3600,
    }


def _covers(rule: dict[str, Any], origin: str) -> bool:
    """Whether a page may send with a Content-Type, fetch ranges, and read the tag of what it sent."""
    headers = [name.lower() for name in rule.get("AllowedHeaders", [])]
    return (
        any(fnmatchcase(origin, pattern) for pattern in rule["AllowedOrigins"])
        and set(rule["AllowedMethods"]) >= _METHODS
        and ("*" in headers or {"content-type", "range"} <= set(headers))
        and "etag" in [name.lower() for name in rule.get("ExposeHeaders", [])]
    )


def _fault_of(step: Callable[[], Any]) -> str:
    """The code of what went wrong; empty when nothing did."""
    try:
        step()
    except ClientError as error:
        return _code(error)
    except BotoCoreError as error:
        return type(error).__name__
    return ""


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
