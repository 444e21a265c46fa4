"""The `s3://` URL: what it may say, and what a wrong one is told."""

import sys

import pytest

from madang.backends.storage import open_storage
from madang.backends.storage.s3_url import S3Url
from madang.kit.secrets import Keyring
from madang.settings import BadSettings

KEYRING = Keyring(["0123456789abcdef" * 4])


def test_a_bucket_of_aws_needs_nothing_else() -> None:
    url = S3Url.parse("s3://madang-media")
    assert (url.bucket, url.endpoint_url, url.prefix, url.addressing_style) == ("madang-media", "", "", "auto")
    assert (url.access_key, url.secret_key) == ("", "")


def test_everything_can_be_said() -> None:
    url = S3Url.parse(
        "s3://key:a%2Fb%40c@media?endpoint_url=http://minio:9000&public_endpoint_url=https://files.example.org"
        "&region=eu-west-1&prefix=/team/files/&addressing_style=virtual"
    )
    assert (url.access_key, url.secret_key) == ("key", "a/b@c")
    assert (url.endpoint_url, url.public_endpoint_url) == ("http://minio:9000", "https://files.example.org")
    assert (url.region, url.prefix, url.addressing_style) == ("eu-west-1", "team/files/", "virtual")


def test_other_servers_are_addressed_by_path_and_are_public_themselves() -> None:
    url = S3Url.parse("s3://media?endpoint_url=http://127.0.0.1:9000")
    assert (url.addressing_style, url.public_endpoint_url) == ("path", "http://127.0.0.1:9000")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("s3://", "needs the form"),
        ("s3://bucket/folder", "needs the form"),
        ("s3://bucket?rubbish", "needs the form"),
        ("s3://bucket?endpoint=http://minio", "no option endpoint"),
        ("s3://bucket?endpoint_url=minio:9000", "endpoint_url must be"),
        ("s3://bucket?public_endpoint_url=https://", "public_endpoint_url must be"),
        ("s3://bucket?prefix=../other", "prefix may have"),
        ("s3://bucket?addressing_style=dns", "addressing_style must be"),
    ],
)
def test_a_fault_names_the_setting_and_never_shows_a_secret(url: str, fault: str) -> None:
    with pytest.raises(BadSettings, match="MADANG_STORAGE_URL") as refusal:
        S3Url.parse(url.replace("s3://bucket", "s3://key:hidden@bucket"))
    assert fault in str(refusal.value)
    assert "hidden" not in str(refusal.value)


def test_the_address_for_people_has_no_secret() -> None:
    url = S3Url.parse("s3://key:hidden@bucket?endpoint_url=http://minio:9000&prefix=team")
    assert str(url) == "s3://bucket/team/ at http://minio:9000"
    assert "hidden" not in repr(url)


def test_without_boto3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    for name in [name for name in sys.modules if name.startswith("madang.backends.storage.s3")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(BadSettings, match=r"madang\[s3\]"):
        open_storage("s3://bucket", KEYRING, "")
