"""Passkeys as the way in, as second factor, and as proof in between, through the front door."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from tests.factories import PASSWORD, make_user
from tests.passkeys import (
    LOGIN,
    ME,
    PASSKEYS,
    TOKEN,
    VERIFY,
    enrol,
    log_in,
    mfa_token,
    options,
    refusal,
    second_factor,
    way_in,
    with_passkey,
)
from tests.peers.authenticator import BACKED_UP, BACKUP_ELIGIBLE, EDDSA, ES256, PRESENT, VERIFIED, Authenticator, decode
from tests.servers import visiting

from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.settings import Settings


def claims(answer: httpx2.Response) -> dict[str, Any]:
    payload = answer.json()["access_token"].split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return read


def bearer(answer: httpx2.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.parametrize("algorithm", [ES256, EDDSA])
async def test_a_passkey_alone_signs_in_and_is_both_factors(client: httpx2.AsyncClient, algorithm: int) -> None:
    person, device = await with_passkey(client, algorithm=algorithm)
    given = await options(client, LOGIN, {})
    assert given["userVerification"] == "required"
    assert given["rpId"] == "localhost"
    assert given["allowCredentials"] == []
    signed_in = await client.post(LOGIN, json={"credential": device.get(given), "scope": "profile"})
    assert signed_in.status_code == 200, signed_in.text
    assert signed_in.headers["cache-control"] == "no-store"
    assert {"madang_access", "madang_refresh"} <= set(client.cookies)
    client.cookies.clear()
    assert signed_in.json()["scope"] == "profile"
    assert "refresh_token" not in signed_in.json()
    assert (claims(signed_in)["sub"], claims(signed_in)["amr"]) == (person.id, ["hwk", "user", "mfa"])
    assert (await client.get(ME, headers=bearer(signed_in))).json()["account_id"] == person.account_id
    sessions = (await client.get("/api/v1/sessions", headers=bearer(signed_in))).json()["items"]
    assert {one["method"] for one in sessions if one["current"]} == {"passkey"}


async def test_a_passkey_s_session_refreshes_and_ends_as_any_other(client: httpx2.AsyncClient) -> None:
    _, device = await with_passkey(client)
    signed_in = await way_in(client, device, scope="offline_access")
    refreshed = await client.post("/api/v1/accounts/refresh", json={"refresh_token": signed_in.json()["refresh_token"]})
    assert refreshed.status_code == 200
    client.cookies.clear()
    ended = await client.delete("/api/v1/accounts/logout", headers=bearer(refreshed))
    assert ended.json() == {"sessions_ended": 1}
    assert (await client.get(ME, headers=bearer(signed_in))).status_code == 401


async def test_options_need_no_body_and_a_use_is_noted(client: httpx2.AsyncClient) -> None:
    person, device = await with_passkey(client)
    device.flags |= BACKUP_ELIGIBLE | BACKED_UP
    given = (await client.post(f"{LOGIN}/options")).json()
    assert (await log_in(client, device.get(given))).status_code == 200
    [passkey] = (await client.get(PASSKEYS, headers=person.headers)).json()["items"]
    assert passkey["last_used_at"] is not None
    assert passkey["is_backed_up"] is True


async def test_a_scope_out_of_reach_is_refused(client: httpx2.AsyncClient) -> None:
    _, device = await with_passkey(client)
    answer = device.get(await options(client, LOGIN, {}))
    assert refusal(await log_in(client, answer, scope="everything")) == (422, "unknown-scope")
    assert refusal(await way_in(client, device, scope="admin:users")) == (422, "unknown-scope")
    assert (await log_in(client, answer)).status_code == 200


async def test_a_passkey_completes_a_sign_in_by_password(client: httpx2.AsyncClient) -> None:
    person, device = await with_passkey(client)
    asked = await client.post(TOKEN, data={"username": person.account_id, "password": PASSWORD, "scope": "chat"})
    assert (asked.status_code, asked.json()["error"]) == (403, "mfa_required")
    assert asked.json()["methods"] == ["passkey", "recovery"]
    token = asked.json()["mfa_token"]
    given = await options(client, LOGIN, {}, mfa_token=token)
    assert [decode(one["id"]) for one in given["allowCredentials"]] == [device.credential_id]
    assert given["userVerification"] == "preferred"
    device.flags, device.handle = PRESENT, None
    answer = await log_in(client, device.get(given), mfa_token=token)
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == "chat"
    assert claims(answer)["amr"] == ["pwd", "hwk", "mfa"]
    again = device.get(given)
    assert refusal(await log_in(client, again, mfa_token=token)) == (400, "mfa-token-invalid")
    assert refusal(await client.post(f"{LOGIN}/options", json={"mfa_token": token})) == (400, "mfa-token-invalid")


async def test_another_person_s_passkey_completes_nothing(client: httpx2.AsyncClient) -> None:
    person, device = await with_passkey(client)
    _, foreign = await with_passkey(client)
    assert refusal(await second_factor(client, person, foreign)) == (400, "passkey-refused")
    foreign.handle = device.handle
    assert refusal(await second_factor(client, person, foreign)) == (400, "passkey-refused")
    assert refusal(await way_in(client, foreign)) == (400, "passkey-refused")
    assert (await second_factor(client, person, device)).status_code == 200


async def test_a_challenge_is_for_its_sign_in_alone(client: httpx2.AsyncClient) -> None:
    person, device = await with_passkey(client)
    first, second = await mfa_token(client, person), await mfa_token(client, person)
    for_first = await options(client, LOGIN, {}, mfa_token=first)
    way = await options(client, LOGIN, {})
    proof = await options(client, VERIFY, person.headers)
    for given, more in (
        (for_first, {"mfa_token": second}),
        (for_first, {}),
        (way, {"mfa_token": second}),
        (proof, {}),
        (await options(client, PASSKEYS, person.headers), {}),
    ):
        assert refusal(await log_in(client, device.get(given), **more)) == (400, "passkey-challenge-used")
    stray = await client.post(VERIFY, json={"credential": device.get(way)}, headers=person.headers)
    assert refusal(stray) == (400, "passkey-challenge-used")
    assert (await log_in(client, device.get(for_first), mfa_token=first)).status_code == 200


async def test_a_changed_password_voids_a_sign_in_that_waits_for_its_passkey(client: httpx2.AsyncClient) -> None:
    person, device = await with_passkey(client)
    token = await mfa_token(client, person)
    answer = device.get(await options(client, LOGIN, {}, mfa_token=token))
    body = {"old_password": PASSWORD, "new_password": "a quite different sentence"}
    changed = await client.put("/api/v1/accounts/password", json=body, headers=person.headers)
    assert changed.status_code == 204
    assert refusal(await log_in(client, answer, mfa_token=token)) == (400, "mfa-token-invalid")


async def test_an_account_without_passkeys_is_asked_for_none(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    refused = await client.post(f"{VERIFY}/options", headers=person.headers)
    assert refusal(refused) == (404, "passkey-not-found")


async def test_a_closed_account_s_passkey_opens_nothing(client: httpx2.AsyncClient, database: Database) -> None:
    person, device = await with_passkey(client)
    token = await mfa_token(client, person)
    answer = device.get(await options(client, LOGIN, {}, mfa_token=token))
    async with database.unit() as session:
        await session.execute(text("UPDATE accounts SET is_active = false"))
    assert refusal(await way_in(client, device)) == (400, "passkey-refused")
    assert refusal(await log_in(client, answer, mfa_token=token)) == (400, "passkey-refused")


async def test_an_erased_account_s_passkey_is_unknown(client: httpx2.AsyncClient, database: Database) -> None:
    _, device = await with_passkey(client)
    async with database.unit() as session:
        await session.execute(text("DELETE FROM accounts"))
        assert (await session.scalar(text("SELECT count(*) FROM passkeys"))) == 0
    assert refusal(await way_in(client, device)) == (400, "passkey-refused")


async def test_a_passkey_makes_a_session_fresh(settings: Settings, database: Database) -> None:
    async with visiting(settings, fresh_ttl=60) as client:
        person, device = await with_passkey(client)
        async with database.unit() as session:
            old = {"old": utc_now() - timedelta(seconds=61)}
            await session.execute(text("UPDATE sessions SET authenticated_at = :old"), old)
        stale = await client.post(f"{PASSKEYS}/options", headers=person.headers)
        assert refusal(stale) == (401, "reauthentication-required")
        given = await options(client, VERIFY, person.headers)
        assert (given["userVerification"], len(given["allowCredentials"])) == ("required", 1)
        proof = {"credential": device.get(given)}
        proven = await client.post(VERIFY, json=proof, headers=person.headers)
        assert proven.json() == {"verified": True}
        assert (await client.post(f"{PASSKEYS}/options", headers=person.headers)).status_code == 200
        again = await client.post(VERIFY, json=proof, headers=person.headers)
        assert refusal(again) == (400, "passkey-challenge-used")


async def test_only_one_s_own_passkey_makes_a_session_fresh(client: httpx2.AsyncClient) -> None:
    person, device = await with_passkey(client)
    _, foreign = await with_passkey(client)
    for answering, flags, expected in (
        (foreign, PRESENT | VERIFIED, "passkey-refused"),
        (device, PRESENT, "passkey-person-not-verified"),
    ):
        answering.flags = flags
        proof = {"credential": answering.get(await options(client, VERIFY, person.headers))}
        refused = await client.post(VERIFY, json=proof, headers=person.headers)
        assert refusal(refused) == (400, expected)


async def test_each_of_several_passkeys_signs_in(client: httpx2.AsyncClient) -> None:
    person, first = await with_passkey(client)
    second = Authenticator(counter=0, step=0)
    assert (await enrol(client, person, second)).status_code == 201
    answers = await asyncio.gather(*(way_in(client, device) for device in (first, second)))
    answers.append(await way_in(client, second))
    assert [claims(one)["sub"] for one in answers] == [person.id] * 3
