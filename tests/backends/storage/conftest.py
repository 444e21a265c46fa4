"""A storage in a bucket of its own."""

from collections.abc import AsyncIterator

import pytest
from tests.peers.s3_server import S3Server, new_bucket, storage_url

from madang.backends.storage.s3 import S3Storage


@pytest.fixture
def bucket(s3: S3Server) -> str:
    return new_bucket(s3)


@pytest.fixture
async def storage(s3: S3Server, bucket: str) -> AsyncIterator[S3Storage]:
    opened = S3Storage(storage_url(s3, bucket, prefix="team"))
    yield opened
    await opened.close()
