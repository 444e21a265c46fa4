"""A mail server for the tests of sessions, in a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.inboxes import Inbox, mail_server


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Inbox, Path]]:
    folder = tmp_path_factory.mktemp("mail")
    with mail_server(folder) as running:
        yield running, folder


@pytest.fixture
def inbox(post: tuple[Inbox, Path]) -> Inbox:
    for path in post[1].glob("*.eml"):
        path.unlink()
    return post[0]
