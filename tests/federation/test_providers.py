"""Providers that are down, slow, wrong or turning their keys; and what is left in logs."""

import asyncio
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from madang.backends.oidc.authlib import AuthlibProvider
from madang.backends.oidc.base import ProviderUnavailable
from madang.kit.oidc_provider import OidcProvider
from madang.settings import Settings
from tests.factories import make_user
from tests.federation.browsing import AUTH, IDENTITIES, SITE, Browser, Peer, fragment_of, query_of
from tests.peers.oidc_provider import CLIENT_ID, CLIENT_SECRET
from tests.servers import free_port, server_process, serving

AWAY = {"error": "provider-unavailable", "provider": "idp"}


def known(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update={"oidc": {"idp": settings.oidc["idp"].model_copy(update=changes)}})


async def refused_at_login(browser: Browser) -> dict[str, str]:
    answer = await browser.open(f"{AUTH}/idp/login")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{SITE}/auth/callback?")
    return query_of(answer.headers["location"])


@pytest.mark.parametrize("lie", ["discovery-issuer", "redirects"])
async def test_metadata_that_is_not_the_issuers_is_not_used(browser: Browser, peer: Peer, lie: str) -> None:
    await peer.says(lie)
    assert await refused_at_login(browser) == AWAY
    await peer.says()
    assert (await browser.signed_in())["auth_provider"] == "idp"


async def test_a_provider_that_is_down_is_said_to_be(settings: Settings) -> None:
    down = known(settings, issuer=f"http://127.0.0.1:{free_port()}")
    async with serving(down) as (url, _), httpx2.AsyncClient(base_url=url) as client:
        assert await refused_at_login(Browser(url)) == AWAY
        person = await make_user(client)
        answer = await client.post(f"{IDENTITIES}/idp", headers=person.headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "provider-unavailable")
        assert "retry-after" in answer.headers


async def test_a_slow_provider_is_waited_for_five_seconds_whoever_waits(browser: Browser, peer: Peer) -> None:
    await peer.says("slow")
    async with asyncio.timeout(15):
        found = await asyncio.gather(*(refused_at_login(browser) for _ in range(3)))
    assert found == [AWAY] * 3


@pytest.mark.parametrize("lie", ["token-500", "token-garbage", "symmetric-key"])
async def test_a_provider_that_fails_on_the_way_back_signs_nobody_in(browser: Browser, peer: Peer, lie: str) -> None:
    await peer.says(lie)
    answer = await browser.sign_in()
    assert query_of(answer.headers["location"]) == AWAY
    assert not await browser.is_signed_in()
    await peer.says()
    assert (await browser.sign_in()).status_code == 303


async def test_a_wrong_client_secret_signs_nobody_in(settings: Settings) -> None:
    async with serving(known(settings, client_secret=SecretStr("another"))) as (url, _):
        assert query_of((await Browser(url).sign_in()).headers["location"]) == AWAY


async def test_metadata_and_keys_are_fetched_once(browser: Browser, peer: Peer) -> None:
    for _ in range(3):
        await browser.signed_in()
    counts = (await peer.seen())["counts"]
    assert (counts["discovery"], counts["jwks"], counts["token"]) == (1, 1, 3)


async def test_a_new_key_is_looked_for_at_most_once_in_the_cool_down(browser: Browser, peer: Peer) -> None:
    await browser.signed_in()
    await peer.rotates()
    await browser.signed_in()
    await peer.says("unknown-kid")
    for _ in range(3):
        assert (await browser.sign_in()).status_code == 400
    assert (await peer.seen())["counts"].get("jwks", 0) == 0, "the look for the new key was the last one"


async def test_check_finds_a_provider_that_is_not_itself(peer: Peer) -> None:
    provider = AuthlibProvider("idp", "", peer.issuer, CLIENT_ID, CLIENT_SECRET, "openid")
    await provider.check()
    await peer.says("discovery-issuer")
    with pytest.raises(ProviderUnavailable, match="names the issuer"):
        await provider.check()
    await provider.close()


async def test_neither_logs_nor_addresses_hold_a_token(peer: Peer, tmp_path: Path, database_url: str) -> None:
    settings = {
        "MADANG_DATABASE_URL": database_url,
        "MADANG_PUBLIC_URL": SITE,
        "MADANG_LOG_LEVEL": "debug",
        "MADANG_OIDC__idp__ISSUER": peer.issuer,
        "MADANG_OIDC__idp__CLIENT_ID": CLIENT_ID,
        "MADANG_OIDC__idp__CLIENT_SECRET": CLIENT_SECRET,
    }
    with server_process(tmp_path, **settings) as process:
        browser = Browser(process.url)
        login = await browser.begin()
        callback = await browser.authorize(login)
        answer = await browser.open(callback)
        assert fragment_of(answer.headers["location"]) == {}
        cookies = dict(browser.http.cookies)
        await peer.says("audience")
        assert (await browser.sign_in()).status_code == 400
        log = process.log.read_text()
    assert "/api/v1/auth/idp/callback" in log
    secrets = {**query_of(login), **query_of(callback), **cookies}
    for name in ("state", "nonce", "code", "code_challenge", "madang_access", "madang_refresh"):
        assert secrets[name] not in log, name
        assert secrets[name] not in answer.headers["location"], name
    assert CLIENT_SECRET not in log


def test_scopes_without_openid_are_refused() -> None:
    with pytest.raises(ValueError, match="openid"):
        OidcProvider.model_validate({"issuer": "https://x", "client_id": "a", "client_secret": "b", "scopes": "email"})
