"""A server that may call this machine, an administrator, and somebody who is called."""

from collections.abc import Iterator

import httpx2
import pytest

from madang.settings import Limits, Settings
from tests.factories import SignedIn, make_admin
from tests.webhooks.receiver import Receiver, receiver


@pytest.fixture
def settings(settings: Settings) -> Settings:
    limits = Limits(sign_up="1000/hour")
    return settings.model_copy(update={"outbound_allow": ["127.0.0.0/8"], "limits": limits})


@pytest.fixture
def called() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
async def admin(client: httpx2.AsyncClient) -> SignedIn:
    return await make_admin(client)
