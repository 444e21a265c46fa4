"""What operators see of the servers of models, and what a role makes of them."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from pydantic import SecretStr

from madang.kit.upstream_settings import UpstreamSettings
from madang.settings import Settings
from tests.chat.talking import CHAT, ask, begin, ended
from tests.factories import SignedIn, make_admin, make_user
from tests.servers import free_port, visiting
from tests.upstreams import Upstream, fake_upstream

UPSTREAMS = "/api/v1/admin/upstreams"


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with fake_upstream() as opened:
        yield opened


@pytest.fixture
async def client(settings: Settings, upstream: Upstream) -> AsyncIterator[httpx2.AsyncClient]:
    dead = f"http://user:hidden@127.0.0.1:{free_port()}/v1?connect=1"
    upstreams = {
        "first": UpstreamSettings(url=dead, api_key=SecretStr("hidden"), models=["ok"], order=1),
        "second": UpstreamSettings(url=f"{upstream.url}?first_token=2", models=["ok", "no-usage"], order=2),
        "staff": UpstreamSettings(url=upstream.url, models=["slow"], roles=["Admin"], order=3),
    }
    async with visiting(settings, upstreams=upstreams) as opened:
        yield opened


@pytest.fixture
async def admin(client: httpx2.AsyncClient) -> SignedIn:
    return await make_admin(client)


async def test_operators_see_which_upstream_fails_and_no_secret(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    person = await make_user(client)
    for _ in range(3):
        asked = await ask(client, person, await begin(client, person), "ok")
        assert (await ended(client, person, asked["run"]["id"]))["state"] == "succeeded", "by the second"
    answer = await client.get(UPSTREAMS, headers=admin.headers)
    assert "hidden" not in answer.text
    first, second, staff = answer.json()["items"]
    assert (first["name"], first["state"], first["failures"], first["last_error"]) == (
        *("first", "open", 3),
        "upstream-failed",
    )
    assert first["rests_until"] > first["last_failed_at"]
    assert (second["state"], second["models"], second["last_answered_at"] is not None) == (
        *("closed", ["ok", "no-usage"]),
        True,
    )
    assert (staff["roles"], staff["failures"], staff["last_answered_at"]) == (["Admin"], 0, None)
    assert (await client.get(UPSTREAMS, headers=person.headers)).status_code == 403


async def test_a_role_names_only_its_models(client: httpx2.AsyncClient, admin: SignedIn, upstream: Upstream) -> None:
    person = await make_user(client)
    listed = [
        [one["id"] for one in (await client.get(f"{CHAT}/models", headers=who.headers)).json()["items"]]
        for who in (person, admin)
    ]
    assert listed == [["ok", "no-usage"], ["ok", "no-usage", "slow"]]
    url = f"{CHAT}/conversations/{await begin(client, person)}/messages"
    refused = await client.post(url, json={"content": "?", "model": "slow"}, headers=person.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown-model")
    upstream.go_on.set()
    asked = await ask(client, admin, await begin(client, admin), "slow")
    assert (await ended(client, admin, asked["run"]["id"]))["state"] == "succeeded"
