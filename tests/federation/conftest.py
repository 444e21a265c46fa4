"""A server that knows one provider, the provider, and browsers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from madang.kit.oidc_provider import OidcProvider
from madang.settings import Settings
from tests.federation.browsing import SITE, Browser, Peer, lying_provider
from tests.inboxes import Inbox, mail_server
from tests.peers.oidc_provider import CLIENT_ID, CLIENT_SECRET


@pytest.fixture(scope="module")
def peer_process() -> Iterator[Peer]:
    with lying_provider() as running:
        yield running


@pytest.fixture
async def peer(peer_process: Peer) -> Peer:
    await peer_process.says()
    return peer_process


@pytest.fixture
def settings(settings: Settings, peer: Peer) -> Settings:
    known = OidcProvider(
        issuer=peer.issuer, client_id=CLIENT_ID, client_secret=SecretStr(CLIENT_SECRET), label="The provider"
    )
    return settings.model_copy(update={"public_url": SITE, "oidc": {"idp": known}})


@pytest.fixture
def new_browser(server: tuple[str, FastAPI]) -> Callable[[], Browser]:
    return lambda: Browser(server[0])


@pytest.fixture
def browser(new_browser: Callable[[], Browser]) -> Browser:
    return new_browser()


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
