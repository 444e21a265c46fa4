"""What the tests of media share: a recording, and someone signed in."""

from pathlib import Path

import httpx2
import pytest
from tests.factories import SignedIn, make_user


@pytest.fixture(scope="session")
def recording() -> bytes:
    """Real speech: `tests/data/README.md` says whose."""
    return (Path(__file__).parents[1] / "data" / "jfk.flac").read_bytes()


@pytest.fixture
async def person(client: httpx2.AsyncClient) -> SignedIn:
    return await make_user(client)
