import asyncio

import httpx2
import pytest
from sqlalchemy import text
from tests.factories import PASSWORD, make_user, sign_in

from madang.db.session import Database

TOKEN = "/api/v1/accounts/token"


async def test_sign_up_answers_the_account_and_hides_the_password(
    client: httpx2.AsyncClient, database: Database
) -> None:
    body = {"account_id": "Jisoo", "password": PASSWORD, "email": "jisoo@example.com", "name": "지수"}
    created = await client.post("/api/v1/accounts/", json=body)
    assert created.status_code == 201
    assert created.json()["email"] is None, "an address that nobody has proven is nobody's"
    assert PASSWORD not in created.text
    async with database.read_unit() as session:
        stored = (await session.execute(text("SELECT password_hash FROM accounts"))).scalar_one()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"account_id": "ab"}, "/account_id"),
        ({"account_id": "with space"}, "/account_id"),
        ({"account_id": "x\n"}, "/account_id"),
        ({"password": "short"}, "/password"),
        ({"password": "x" * 1025}, "/password"),
        ({"email": "no-address"}, "/email"),
        ({"language": "fr"}, "/language"),
        ({"role": "Admin"}, "/role"),
    ],
)
async def test_sign_up_points_at_each_bad_field(
    client: httpx2.AsyncClient, change: dict[str, str], pointer: str
) -> None:
    answer = await client.post("/api/v1/accounts", json={"account_id": "someone", "password": PASSWORD, **change})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_of_ten_sign_ups_for_one_id_one_wins(client: httpx2.AsyncClient) -> None:
    ids = ["Same_id", "same_id", "SAME_ID", "sAme_id", "saMe_id"]
    answers = await asyncio.gather(
        *(client.post("/api/v1/accounts", json={"account_id": one, "password": PASSWORD}) for one in ids)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"account-id-taken"}


@pytest.mark.parametrize("password", ["띄어쓰기 있는 긴 비밀번호 🐯 and more", "x" * 1024])
async def test_any_script_and_length_works_in_full(client: httpx2.AsyncClient, password: str) -> None:
    await client.post("/api/v1/accounts", json={"account_id": "long_one", "password": password})
    right = await client.post(TOKEN, data={"username": "LONG_one", "password": password})
    wrong = await client.post(TOKEN, data={"username": "long_one", "password": password[:-1]})
    assert (right.status_code, wrong.status_code) == (200, 400)


async def test_unknown_account_and_wrong_password_answer_the_same(client: httpx2.AsyncClient) -> None:
    await make_user(client, "known")
    answers = [
        await client.post(TOKEN, data={"username": name, "password": "not the password"}, headers={"X-Request-ID": "r"})
        for name in ("known", "unknown")
    ]
    assert answers[0].content == answers[1].content
    assert answers[0].status_code == answers[1].status_code == 400
    varying = {"date"}
    headers = [{k: v for k, v in answer.headers.items() if k not in varying} for answer in answers]
    assert headers[0] == headers[1]
    assert answers[0].json()["error"] == "invalid_grant"
    assert answers[0].headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ("username=a", "invalid_request"),
        ("username=a&password=b&username=c", "invalid_request"),
        ("grant_type=client_credentials", "unsupported_grant_type"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=rubbish", "invalid_grant"),
        ("username=a&password=b&scope=everything", "invalid_scope"),
    ],
)
async def test_token_errors_are_those_of_rfc_6749(client: httpx2.AsyncClient, form: str, error: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post(TOKEN, content=form, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.json()["error_description"].isascii()


async def test_the_token_endpoint_takes_forms_by_post_only(client: httpx2.AsyncClient) -> None:
    as_json = await client.post(TOKEN, json={"username": "a", "password": "b"})
    by_get = await client.get(TOKEN)
    assert (as_json.status_code, as_json.json()["error"]) == (400, "invalid_request")
    assert (by_get.status_code, by_get.headers["allow"]) == (405, "POST")


async def test_the_refresh_token_stays_in_its_cookie_unless_asked_for(client: httpx2.AsyncClient) -> None:
    await make_user(client, "cookie_monster")
    form = {"username": "cookie_monster", "password": PASSWORD}
    quiet = await client.post(TOKEN, data=form)
    assert "refresh_token" not in quiet.json()
    cookies = {cookie.name: cookie for cookie in client.cookies.jar}
    assert cookies["madang_refresh"].path == "/api/v1/accounts"
    assert cookies["madang_access"].path == "/"
    assert all("httponly" in header.lower() for header in quiet.headers.get_list("set-cookie"))
    asked = await client.post(TOKEN, data={**form, "scope": "chat offline_access"})
    assert asked.json()["refresh_token"].startswith("mdr_")
    assert asked.json()["scope"] == "chat offline_access"


async def test_a_narrow_token_does_not_reach_further(client: httpx2.AsyncClient) -> None:
    await make_user(client, "narrow")
    answer = await client.post(TOKEN, data={"username": "narrow", "password": PASSWORD, "scope": "chat"})
    client.cookies.clear()
    me = await client.get("/api/v1/accounts/me", headers={"Authorization": f"Bearer {answer.json()['access_token']}"})
    assert me.status_code == 403
    assert 'error="insufficient_scope"' in me.headers["www-authenticate"]


async def test_logout_ends_access_and_refresh_at_once_and_may_be_repeated(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    assert (await client.delete("/api/v1/accounts/logout", headers=person.headers)).json() == {"sessions_ended": 1}
    assert (await client.get("/api/v1/accounts/me", headers=person.headers)).status_code == 401
    refreshed = await client.post("/api/v1/accounts/refresh", json={"refresh_token": person.refresh_token})
    assert (refreshed.status_code, refreshed.json()["error"]) == (400, "invalid_grant")
    assert (await client.delete("/api/v1/accounts/logout", headers=person.headers)).json() == {"sessions_ended": 0}
    assert (await client.delete("/api/v1/accounts/logout")).status_code == 200


async def test_logout_with_the_refresh_token_alone_ends_the_session(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    body = {"refresh_token": person.refresh_token}
    ended = await client.request("DELETE", "/api/v1/accounts/logout", json=body)
    assert ended.json() == {"sessions_ended": 1}
    assert (await client.get("/api/v1/accounts/me", headers=person.headers)).status_code == 401


async def test_people_see_and_end_their_own_sessions_only(client: httpx2.AsyncClient) -> None:
    laptop = await make_user(client, "two_devices")
    phone = await sign_in(client, "two_devices")
    stranger = await make_user(client)
    listed = (await client.get("/api/v1/sessions", headers=phone.headers)).json()["items"]
    assert [one["current"] for one in listed].count(True) == 1
    assert len(listed) == 2
    other = next(one["id"] for one in listed if not one["current"])
    assert (await client.delete(f"/api/v1/sessions/{other}", headers=stranger.headers)).status_code == 404
    assert (await client.get("/api/v1/accounts/me", headers=laptop.headers)).status_code == 200
    assert (await client.delete(f"/api/v1/sessions/{other}", headers=phone.headers)).status_code == 204
    assert (await client.get("/api/v1/accounts/me", headers=laptop.headers)).status_code == 401
    again = await sign_in(client, "two_devices")
    assert (await client.delete("/api/v1/sessions", headers=phone.headers)).status_code == 204
    assert (await client.get("/api/v1/accounts/me", headers=again.headers)).status_code == 401
    assert (await client.get("/api/v1/accounts/me", headers=phone.headers)).status_code == 200
