"""A server whose model is the fake upstream."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from madang.settings import Limits, Settings
from tests.factories import SignedIn, make_user
from tests.upstreams import Upstream, fake_upstream


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with fake_upstream() as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path, database_url: str, upstream: Upstream) -> Settings:
    return Settings(
        data_dir=tmp_path / "var",
        database_url=database_url,
        secret_key="0123456789abcdef" * 4,
        llm_url=f"{upstream.url}?first_token=2&idle=3",
        llm_model="ok",
        limits=Limits(everything="100000/minute", chat="100000/minute"),
    )


@pytest.fixture
async def person(client: httpx2.AsyncClient) -> SignedIn:
    return await make_user(client)
