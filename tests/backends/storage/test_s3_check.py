"""What `madang doctor` finds in a bucket, and what it sets."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.peers.s3_server import ACCESS_KEY, S3Server, storage_url
from tests.servers import free_port

from madang.backends.storage.base import Fault
from madang.backends.storage.s3 import S3Storage

pytestmark = pytest.mark.timeout(900)
RIGHTS_OF_WRITERS = {"s3:GetObject", "s3:ListMultipartUploadParts"}  # this server gives them without a policy
PAGE, FRONT_END = "https://madang.example.org", "http://localhost:3000"


@pytest.fixture
def seen(s3: S3Server, bucket: str) -> "Seen":
    return Seen(s3, bucket)


class Seen:
    """The bucket as `doctor` finds it."""

    def __init__(self, s3: S3Server, bucket: str) -> None:
        self.s3 = s3
        self.bucket = bucket

    async def faults(self, *origins: str, fix: bool = False, user: str = ACCESS_KEY, **options: str) -> list[Fault]:
        storage = S3Storage(storage_url(self.s3, self.bucket, **options).replace(ACCESS_KEY, user))
        try:
            return await storage.check(origins, fix=fix)
        finally:
            await storage.close()

    def set_policy(self, effect: str, action: str) -> None:
        """For everybody, on every object."""
        resource = f"arn:aws:s3:::{self.bucket}/*"
        statement = {"Effect": effect, "Principal": "*", "Action": action, "Resource": resource}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.s3.client.put_bucket_policy(Bucket=self.bucket, Policy=policy)

    def names(self) -> list[str]:
        return [one["Key"] for one in self.s3.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]


async def test_a_bucket_that_serves_our_pages_has_no_fault_and_keeps_nothing_of_the_look(seen: Seen) -> None:
    assert await seen.faults(FRONT_END, fix=True) == []
    assert await seen.faults(FRONT_END) == []
    assert seen.names() == []
    assert seen.s3.client.list_multipart_uploads(Bucket=seen.bucket).get("Uploads", []) == []


async def test_pages_that_cors_does_not_let_in_are_named(seen: Seen) -> None:
    await seen.faults(FRONT_END, fix=True)
    (fault,) = await seen.faults(FRONT_END, "http://other.example")
    assert "http://other.example" in fault.seen
    assert FRONT_END not in fault.seen
    assert "--fix" in fault.advice


async def test_the_rule_that_is_set_lets_pages_send_and_read_the_tag(seen: Seen) -> None:
    kept = {"ID": "theirs", "AllowedOrigins": ["https://theirs.example"], "AllowedMethods": ["GET"]}
    seen.s3.client.put_bucket_cors(Bucket=seen.bucket, CORSConfiguration={"CORSRules": [kept]})
    for _ in range(2):
        assert await seen.faults(FRONT_END, fix=True) == []
    rules = seen.s3.client.get_bucket_cors(Bucket=seen.bucket)["CORSRules"]
    assert [rule["ID"] for rule in rules] == ["theirs", "madang"]
    asking = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    async with httpx2.AsyncClient(trust_env=False) as web:
        url = f"{seen.s3.endpoint_url}/{seen.bucket}/media/a"
        ours = await web.options(url, headers=asking | {"Origin": FRONT_END})
        theirs = await web.options(url, headers=asking | {"Origin": "https://evil.example"})
        answered = await web.put(url, headers={"Origin": FRONT_END})
    assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (200, FRONT_END)
    assert theirs.status_code == 403
    assert "etag" in answered.headers["access-control-expose-headers"].lower()


async def test_a_bucket_open_to_everybody_is_a_fault(seen: Seen) -> None:
    seen.set_policy("Allow", "s3:GetObject")
    (fault,) = await seen.faults()
    assert "everybody" in fault.seen
    assert fault.is_fatal


async def test_a_missing_permission_is_named(seen: Seen) -> None:
    seen.set_policy("Deny", "s3:DeleteObject")
    (fault,) = await seen.faults()
    assert "AccessDenied" in fault.seen
    assert "s3:DeleteObject" in fault.advice


async def test_the_policy_that_the_manual_names_is_enough_and_what_is_missing_of_it_is_named(seen: Seen) -> None:
    seen.s3.add_user("manual")
    policy = documented_policy(seen.bucket)
    for statement in policy["Statement"]:
        statement["Principal"] = {"AWS": ["arn:aws:iam:::user/manual"]}
    seen.s3.client.put_bucket_policy(Bucket=seen.bucket, Policy=json.dumps(policy))
    assert await seen.faults(FRONT_END, fix=True, user="manual") == []
    for statement in policy["Statement"]:
        for action in [one for one in statement["Action"] if one not in RIGHTS_OF_WRITERS]:
            statement["Action"].remove(action)
            seen.s3.client.put_bucket_policy(Bucket=seen.bucket, Policy=json.dumps(policy))
            found = await seen.faults("http://other.example", fix=True, user="manual")
            assert action in " ".join(fault.advice for fault in found), action
            statement["Action"].append(action)


def documented_policy(bucket: str) -> dict[str, Any]:
    manual = (Path(__file__).parents[3] / "docs/operations.md").read_text()
    text = manual.partition("```json")[2].partition("```")[0]
    policy: dict[str, Any] = json.loads(text.replace("madang-media", bucket))
    return policy


async def test_a_missing_bucket_and_a_server_that_is_away_are_faults(seen: Seen) -> None:
    (away,) = await seen.faults(endpoint_url=f"http://127.0.0.1:{free_port()}")
    assert "EndpointConnectionError" in away.seen
    seen.bucket = "never-made"
    (missing,) = await seen.faults()
    assert "create the bucket" in missing.advice


async def test_a_public_endpoint_out_of_reach_is_advice_alone(seen: Seen) -> None:
    faults = await seen.faults(public_endpoint_url=f"http://127.0.0.1:{free_port()}")
    assert [fault.is_fatal for fault in faults] == [False]


async def test_links_to_an_http_address_are_a_fault_of_an_https_page(seen: Seen) -> None:
    (fault,) = await seen.faults(PAGE, fix=True)
    assert "https" in fault.advice
