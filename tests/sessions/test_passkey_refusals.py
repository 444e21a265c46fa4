"""Answers of passkeys that must not count (row 36 of the promises), and how many tries there are."""

import asyncio
import copy
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from tests.inboxes import Inbox
from tests.mailing import JISOO, with_address
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
from tests.peers.authenticator import BACKED_UP, ES256, PRESENT, VERIFIED, Authenticator, encode, new_key
from tests.servers import visiting

from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.settings import Limits, Settings

MANY = Limits(passkeys="10000/minute", everything="10000/minute")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"origin": "https://evil.example"}, "passkey-wrong-origin"),
        ({"origin": "http://localhost:8001"}, "passkey-wrong-origin"),
        ({"origin": "http://localhost:8000.evil.example"}, "passkey-wrong-origin"),
        ({"origin": ["http://localhost:8000"]}, "passkey-wrong-origin"),
        ({"rp_id": "evil.example"}, "passkey-wrong-site"),
        ({"flags": PRESENT}, "passkey-person-not-verified"),
        ({"flags": VERIFIED}, "passkey-refused"),
        ({"flags": PRESENT | VERIFIED | BACKED_UP}, "passkey-refused"),
        ({"key": new_key(ES256)}, "passkey-refused"),
        ({"credential_id": b"nobody's"}, "passkey-refused"),
        ({"handle": b"somebody else's"}, "passkey-refused"),
        ({"handle": None}, "passkey-refused"),
    ],
)
async def test_a_wrong_answer_opens_nothing(client: httpx2.AsyncClient, change: dict[str, Any], expected: str) -> None:
    _, device = await with_passkey(client)
    wrong = copy.copy(device)
    for name, value in change.items():
        setattr(wrong, name, value)
    answer = await way_in(client, wrong)
    assert refusal(answer) == (400, expected)
    assert "set-cookie" not in answer.headers
    assert (await way_in(client, device)).status_code == 200


async def test_an_unknown_passkey_and_a_wrong_signature_are_answered_alike(client: httpx2.AsyncClient) -> None:
    _, device = await with_passkey(client)
    forged = copy.copy(device)
    forged.key = new_key(ES256)
    answers = [await way_in(client, one) for one in (forged, Authenticator(handle=device.handle))]
    assert len({one.status_code for one in answers}) == 1
    bodies = [{name: value for name, value in one.json().items() if name != "request_id"} for one in answers]
    assert bodies[0] == bodies[1]


async def test_an_answer_that_was_used_or_is_old_is_refused(client: httpx2.AsyncClient, database: Database) -> None:
    _, device = await with_passkey(client)
    answer = device.get(await options(client, LOGIN, {}))
    assert (await log_in(client, answer)).status_code == 200
    assert refusal(await log_in(client, answer)) == (400, "passkey-challenge-used")
    late = device.get(await options(client, LOGIN, {}))
    async with database.unit() as session:
        past = {"past": utc_now() - timedelta(seconds=1)}
        await session.execute(text("UPDATE passkey_challenges SET expires_at = :past"), past)
    assert refusal(await log_in(client, late)) == (400, "passkey-challenge-used")
    invented = device.get({"challenge": encode(b"of my own choosing, 32 bytes long")})
    assert refusal(await log_in(client, invented)) == (400, "passkey-challenge-used")


async def test_a_wrong_signature_uses_its_challenge_up(client: httpx2.AsyncClient) -> None:
    _, device = await with_passkey(client)
    given, forged = await options(client, LOGIN, {}), copy.copy(device)
    forged.key = new_key(ES256)
    assert refusal(await log_in(client, forged.get(given))) == (400, "passkey-refused")
    assert refusal(await log_in(client, device.get(given))) == (400, "passkey-challenge-used")


async def test_of_parallel_uses_of_one_answer_one_wins(client: httpx2.AsyncClient) -> None:
    _, device = await with_passkey(client, counter=0, step=0)
    answer = device.get(await options(client, LOGIN, {}))
    answers = await asyncio.gather(*(client.post(LOGIN, json={"credential": answer}) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [200] + [400] * 7


async def test_of_parallel_uses_of_one_counter_one_wins(client: httpx2.AsyncClient) -> None:
    _, device = await with_passkey(client)
    asked = [await options(client, LOGIN, {}) for _ in range(5)]
    device.counter, device.step = 7, 0
    answers = await asyncio.gather(*(client.post(LOGIN, json={"credential": device.get(one)}) for one in asked))
    codes = sorted(one.json().get("code", "") for one in answers)
    assert codes == [""] + ["passkey-counter-behind"] * 4


@pytest.mark.parametrize("step", [0, -1])
async def test_a_counter_that_does_not_go_up_is_refused_everywhere(client: httpx2.AsyncClient, step: int) -> None:
    person, device = await with_passkey(client, counter=5)
    assert (await way_in(client, device)).status_code == 200
    device.step = step
    assert refusal(await way_in(client, device)) == (400, "passkey-counter-behind")
    assert refusal(await second_factor(client, person, device)) == (400, "passkey-counter-behind")
    proof = {"credential": device.get(await options(client, VERIFY, person.headers))}
    refused = await client.post(VERIFY, json=proof, headers=person.headers)
    assert refusal(refused) == (400, "passkey-counter-behind")
    device.counter, device.step = 0, 0
    assert refusal(await way_in(client, device)) == (400, "passkey-counter-behind")
    device.counter = 100
    assert (await way_in(client, device)).status_code == 200


async def test_the_owner_is_told_of_passkeys_and_of_a_copy(settings: Settings, inbox: Inbox) -> None:
    async with visiting(settings, mail_url=inbox.url) as client:
        person = await with_address(client, inbox, "jisoo", JISOO)
        device = Authenticator()
        assert (await enrol(client, person, device)).status_code == 201
        added = await inbox.wait(JISOO, subject="A passkey was added")
        assert "jisoo" in added.text
        device.step = 0
        assert refusal(await way_in(client, device)) == (400, "passkey-counter-behind")
        await inbox.wait(JISOO, subject="A passkey may have been copied")
        [passkey] = (await client.get(PASSKEYS, headers=person.headers)).json()["items"]
        assert (await client.delete(f"{PASSKEYS}/{passkey['id']}", headers=person.headers)).status_code == 204
        await inbox.wait(JISOO, subject="A passkey was removed")


async def test_fifty_parallel_tries_find_the_address_s_budget(settings: Settings) -> None:
    few = MANY.model_copy(update={"sign_in_address": "10/15 minutes"})
    async with visiting(settings, limits=few) as client:
        _, device = await with_passkey(client)
        asked = [await options(client, LOGIN, {}) for _ in range(51)]
        right = device.get(asked.pop())
        forged = copy.copy(device)
        forged.key = new_key(ES256)
        answers = await asyncio.gather(*(log_in(client, forged.get(one)) for one in asked))
        assert sorted(one.status_code for one in answers) == [400] * 10 + [429] * 40
        refused = await log_in(client, right)
        assert refusal(refused) == (429, "too-many-sign-ins")
        assert int(refused.headers["retry-after"]) > 0


async def test_right_answers_use_no_budget(settings: Settings) -> None:
    few = MANY.model_copy(update={"sign_in_address": "3/15 minutes"})
    async with visiting(settings, limits=few) as client:
        _, device = await with_passkey(client)
        assert [(await way_in(client, device)).status_code for _ in range(5)] == [200] * 5


async def test_passkeys_and_codes_share_the_tries_at_the_second_factor(settings: Settings) -> None:
    async with visiting(settings, limits=MANY) as client:
        person, device = await with_passkey(client)
        token = await mfa_token(client, person)
        forged = copy.copy(device)
        forged.key = new_key(ES256)
        asked = [await options(client, LOGIN, {}, mfa_token=token) for _ in range(25)]
        code = {"grant_type": "urn:madang:mfa", "mfa_token": token, "code": "x"}
        answers = await asyncio.gather(
            *(log_in(client, forged.get(one), mfa_token=token) for one in asked),
            *(client.post(TOKEN, data=code) for _ in range(25)),
        )
        assert sorted(one.status_code for one in answers) == [400] * 10 + [429] * 40
        assert refusal(await second_factor(client, person, device)) == (429, "too-many-sign-ins")
        assert (await client.get(ME, headers=person.headers)).status_code == 200


async def test_a_passkey_removed_while_it_signs_in_opens_nothing(client: httpx2.AsyncClient) -> None:
    person, device = await with_passkey(client)
    [passkey] = (await client.get(PASSKEYS, headers=person.headers)).json()["items"]
    asked = [await options(client, LOGIN, {}) for _ in range(8)]
    tries = [log_in(client, device.get(one)) for one in asked]
    removed, *answers = await asyncio.gather(
        client.delete(f"{PASSKEYS}/{passkey['id']}", headers=person.headers), *tries
    )
    assert removed.status_code == 204
    codes = {one.json().get("code") for one in answers}
    assert codes <= {None, "passkey-refused", "passkey-counter-behind"}
    assert refusal(await way_in(client, device)) == (400, "passkey-refused")
