"""The race rows (14, 28, 54, 55, 56) on two server processes over one PostgreSQL; on SQLite one process serves, and
each row's own test races inside it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx2
import pytest
from tests.databases import TestDatabases
from tests.factories import PASSWORD, SECRET, make_user
from tests.factors.enrolling import answer, enrol, mfa_token
from tests.servers import server_process

ME, TOKEN = "/api/v1/accounts/me", "/api/v1/accounts/token"
Clients = tuple[httpx2.AsyncClient, httpx2.AsyncClient]


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory, databases: TestDatabases) -> Iterator[list[str]]:
    with databases.copy() as url:
        if not url.startswith("postgresql"):
            pytest.skip("needs a PostgreSQL server")
        environment = {"MADANG_DATABASE_URL": url, "MADANG_SECRET_KEY": SECRET, "MADANG_LIMITS__SIGN_UP": "1000/hour"}
        folders = [tmp_path_factory.mktemp(name) for name in ("one", "other")]
        with (
            server_process(folders[0], **environment) as one,
            server_process(folders[1], **environment) as other,
        ):
            yield [one.url, other.url]


@pytest.fixture
async def both(addresses: list[str]) -> AsyncIterator[Clients]:
    async with AsyncExitStack() as stack:
        one, other = [
            await stack.enter_async_context(httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False))
            for url in addresses
        ]
        yield one, other


async def refresh(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    answered = await client.post("/api/v1/accounts/refresh", json={"refresh_token": token})
    client.cookies.clear()
    return answered


async def test_fifty_guesses_on_both_find_ten_answers(both: Clients) -> None:
    forms = [{"username": "nobody_anywhere", "password": f"guess number {number}"} for number in range(25)]
    answers = await asyncio.gather(*(client.post(TOKEN, data=form) for client in both for form in forms))
    assert sorted(one.status_code for one in answers) == [400] * 10 + [429] * 40


async def test_a_code_of_the_app_is_good_once_on_both_together(both: Clients) -> None:
    enrolled = await enrol(both[0])
    tokens = [await mfa_token(both[0], enrolled) for _ in range(8)]
    code = enrolled.code()
    answers = await asyncio.gather(*(answer(both[number % 2], token, code) for number, token in enumerate(tokens)))
    assert sorted(one.status_code for one in answers) == [200] + [400] * 7


async def test_twenty_refreshes_on_both_give_one_successor(both: Clients) -> None:
    person = await make_user(both[0])
    answers = await asyncio.gather(*(refresh(client, person.refresh_token) for client in both for _ in range(10)))
    assert [one.status_code for one in answers] == [200] * 20
    successors = {one.json()["refresh_token"] for one in answers}
    assert len(successors) == 1
    assert (await refresh(both[1], successors.pop())).status_code == 200


async def test_a_grandparent_is_theft_on_the_other_server_too(both: Clients) -> None:
    one, other = both
    person = await make_user(one)
    second = (await refresh(one, person.refresh_token)).json()["refresh_token"]
    third = (await refresh(other, second)).json()["refresh_token"]
    stolen = await refresh(other, person.refresh_token)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    for client in both:
        assert (await refresh(client, third)).status_code == 400
        assert (await client.get(ME, headers=person.headers)).status_code == 401


async def test_a_refresh_racing_the_sign_out_on_the_other_server_leaves_nothing(both: Clients) -> None:
    for turn in range(6):
        one, other = both if turn % 2 else reversed(both)
        person = await make_user(one)
        raced, out = await asyncio.gather(
            refresh(one, person.refresh_token), other.delete("/api/v1/accounts/logout", headers=person.headers)
        )
        assert out.json() == {"sessions_ended": 1}
        latest = raced.json().get("refresh_token", person.refresh_token)
        for client in (one, other):
            assert (await refresh(client, latest)).status_code == 400
            assert (await client.get(ME, headers=person.headers)).status_code == 401


async def test_a_revoked_key_is_refused_on_the_other_server_at_once(both: Clients) -> None:
    one, other = both
    person = await make_user(one)
    made = (await one.post("/api/v1/api-keys", json={"name": "x"}, headers=person.headers)).json()
    bearer = {"Authorization": f"Bearer {made['key']}"}
    assert (await other.get(ME, headers=bearer)).status_code == 200
    assert (await one.delete(f"/api/v1/api-keys/{made['id']}", headers=person.headers)).status_code == 204
    assert (await other.get(ME, headers=bearer)).status_code == 401


async def test_a_changed_password_ends_sessions_on_the_other_server(both: Clients) -> None:
    one, other = both
    person = await make_user(one)
    laptop = await other.post(TOKEN, data={"username": person.account_id, "password": PASSWORD})
    other.cookies.clear()
    bearer = {"Authorization": f"Bearer {laptop.json()['access_token']}"}
    body = {"old_password": PASSWORD, "new_password": "a quite different sentence"}
    assert (await one.put("/api/v1/accounts/password", json=body, headers=person.headers)).status_code == 204
    assert (await other.get(ME, headers=bearer)).status_code == 401
    assert (await other.get(ME, headers=person.headers)).status_code == 200
