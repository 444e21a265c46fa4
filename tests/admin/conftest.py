"""A mail server of their own, for those who invite."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from madang.settings import Settings
from tests.inboxes import Inbox, mail_server
from tests.servers import visiting


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    (tmp_path / "mail").mkdir()
    with mail_server(tmp_path / "mail") as running:
        yield running


@pytest.fixture
async def mailing(settings: Settings, inbox: Inbox) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server that sends mail."""
    async with visiting(settings, mail_url=inbox.url) as opened:
        yield opened
