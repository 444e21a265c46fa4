"""Quotas: taken before the model is called, settled afterwards, and told alike in body, headers and refusal."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.chat.talking import CHAT, ask, begin, ended
from tests.factories import SignedIn, make_admin, make_user
from tests.upstreams import TEXT, Upstream

ADMIN = "/api/v1/admin"
QUESTION = "무엇을 할 수 있나요?"


@pytest.fixture
async def admin(client: httpx2.AsyncClient) -> SignedIn:
    return await make_admin(client)


async def limit(client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn, **quota: Any) -> str:
    answer = await client.put(f"{ADMIN}/quotas/users/{person.id}", json=quota, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def limit_members(client: httpx2.AsyncClient, admin: SignedIn, **quota: Any) -> str:
    roles = (await client.get("/api/v1/roles", headers=admin.headers)).json()
    [member] = [role["id"] for role in roles if role["name"] == "Member"]
    answer = await client.put(f"{ADMIN}/quotas/roles/{member}", json=quota, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def try_to_ask(
    client: httpx2.AsyncClient, person: SignedIn, model: str = "ok", conversation: str | None = None, **headers: str
) -> httpx2.Response:
    url = f"{CHAT}/conversations/{conversation or await begin(client, person)}/messages"
    body = {"content": QUESTION, "model": model}
    return await client.post(url, json=body, headers=person.headers | headers)


async def usage(client: httpx2.AsyncClient, person: SignedIn, **params: str) -> dict[str, Any]:
    answer = await client.get(f"{CHAT}/usage", params=params, headers=person.headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def settled(client: httpx2.AsyncClient, person: SignedIn, asked: httpx2.Response) -> dict[str, Any]:
    assert asked.status_code == 202, asked.text
    return await ended(client, person, asked.json()["run"]["id"])


async def test_the_same_numbers_stand_in_the_page_in_the_headers_and_in_the_refusal(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    await limit_members(client, admin, requests=2, tokens=50_000, period="hour")
    for left in ("1", "0"):
        asked = await try_to_ask(client, person)
        assert asked.headers["x-ratelimit-remaining-requests"] == left
        await settled(client, person, asked)
    refused = await try_to_ask(client, person)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota-exceeded")
    assert "2 requests of this hour" in refused.json()["detail"]
    shown = (await usage(client, person))["quota"]
    assert shown["requests"] == {"limit": 2, "used": 2, "remaining": 0}
    told = refused.headers
    assert (told["x-ratelimit-limit-requests"], told["x-ratelimit-remaining-requests"]) == ("2", "0")
    assert int(told["x-ratelimit-remaining-tokens"]) == shown["tokens"]["remaining"] == 50_000 - shown["tokens"]["used"]
    ends = datetime.fromisoformat(shown["ends_at"])
    assert (ends.minute, ends.second) == (0, 0)
    seconds = (ends - datetime.now(UTC)).total_seconds()
    assert abs(int(told["retry-after"]) - seconds) < 60
    assert (await try_to_ask(client, admin)).status_code == 202, "another role"
    assert "x-ratelimit-limit-requests" not in (await try_to_ask(client, admin)).headers


async def test_what_is_reserved_is_settled_with_what_the_upstream_counts(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn, upstream: Upstream
) -> None:
    await limit(client, admin, person, tokens=100_000)
    asked = await try_to_ask(client, person, "slow")
    reserved = (await usage(client, person))["quota"]["tokens"]["used"]
    assert reserved >= 1000, "the answer may need as much"
    upstream.go_on.set()
    run = await settled(client, person, asked)
    now = await usage(client, person)
    assert now["quota"]["tokens"]["used"] == run["usage"]["total_tokens"] < reserved
    [day] = now["items"]
    assert day == {"day": datetime.now(UTC).date().isoformat(), "model": "slow", "requests": 1, **run["usage"]}


async def test_an_upstream_that_counts_nothing_is_counted_for(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    await limit(client, admin, person, tokens=100_000)
    await settled(client, person, await try_to_ask(client, person, "no-usage"))
    used = (await usage(client, person))["quota"]["tokens"]["used"]
    letters = len(QUESTION) + len(TEXT)
    assert letters / 4 < used < 2 * letters


async def test_an_answer_that_failed_before_its_first_word_costs_nothing(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    await limit(client, admin, person, tokens=100_000, requests=5)
    for model in ("401", "garbage"):
        assert (await settled(client, person, await try_to_ask(client, person, model)))["state"] == "failed"
    shown = await usage(client, person)
    assert (shown["quota"]["tokens"]["used"], shown["quota"]["requests"]["used"], shown["items"]) == (0, 0, [])


async def test_what_was_said_before_a_stop_is_paid_for(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn, upstream: Upstream
) -> None:
    await limit(client, admin, person, tokens=100_000)
    run_id = (await ask(client, person, await begin(client, person), "endless"))["run"]["id"]
    await upstream.is_streaming(wanted=True)
    await asyncio.sleep(0.5)
    assert (await client.post(f"{CHAT}/runs/{run_id}/cancel", headers=person.headers)).status_code == 202
    assert (await ended(client, person, run_id))["state"] == "cancelled"
    used = (await usage(client, person))["quota"]["tokens"]["used"]
    assert used > 0
    assert used == (await usage(client, person))["items"][0]["total_tokens"]


async def test_of_many_questions_at_once_as_many_pass_as_there_are_left(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    await limit(client, admin, person, requests=5)
    conversations = [await begin(client, person) for _ in range(25)]
    asked = await asyncio.gather(*(try_to_ask(client, person, conversation=one) for one in conversations))
    assert sorted(one.status_code for one in asked) == [202] * 5 + [429] * 20
    for one in asked:
        if one.status_code == 202:
            await settled(client, person, one)
    assert (await usage(client, person))["quota"]["requests"] == {"limit": 5, "used": 5, "remaining": 0}
    tree = [await client.get(f"{CHAT}/conversations/{one}/messages", headers=person.headers) for one in conversations]
    assert sum(len(one.json()["items"]) for one in tree) == 10, "a refused question is not stored"


async def test_whoever_has_any_tokens_left_asks_once_more_and_no_crowd_does(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    await limit(client, admin, person, tokens=1)
    conversations = [await begin(client, person) for _ in range(10)]
    asked = await asyncio.gather(*(try_to_ask(client, person, "slow", one) for one in conversations))
    assert sorted(one.status_code for one in asked) == [202] + [429] * 9


async def test_the_same_question_sent_again_is_taken_once(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    await limit(client, admin, person, requests=1)
    conversation = await begin(client, person)
    again = [await try_to_ask(client, person, conversation=conversation, **{"Idempotency-Key": "k"}) for _ in "ab"]
    assert [one.status_code for one in again] == [202, 202]
    assert (await usage(client, person))["quota"]["requests"]["used"] == 1


async def test_ones_own_quota_goes_before_the_roles_and_taking_it_away_leaves_the_role(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    closed = await limit_members(client, admin, requests=0)
    assert (await try_to_ask(client, person)).status_code == 429
    own = await limit(client, admin, person, requests=1, period="day")
    assert (await try_to_ask(client, person)).status_code == 202
    listed = (await client.get(f"{ADMIN}/quotas", headers=admin.headers)).json()["items"]
    assert {one["id"]: (one["role"], one["account_id"], one["requests"], one["period"]) for one in listed} == {
        closed: ("Member", None, 0, "month"),
        own: (None, person.id, 1, "day"),
    }
    for quota in (own, closed):
        assert (await client.delete(f"{ADMIN}/quotas/{quota}", headers=admin.headers)).status_code == 204
    assert (await client.delete(f"{ADMIN}/quotas/{own}", headers=admin.headers)).json()["code"] == "quota-not-found"
    assert (await try_to_ask(client, person)).status_code == 202
    assert (await usage(client, person))["quota"] is None


async def test_the_operator_sees_who_used_what(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    busy, idle = await make_user(client), await make_user(client)
    for person, model in ((busy, "ok"), (busy, "ok"), (busy, "slow"), (idle, "ok")):
        asked = await try_to_ask(client, person, model)
        if model == "slow":
            await client.post(f"{CHAT}/runs/{asked.json()['run']['id']}/cancel", headers=person.headers)
        await settled(client, person, asked)

    async def report(**params: Any) -> list[dict[str, Any]]:
        answer = await client.get(f"{ADMIN}/usage", params=params, headers=admin.headers)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    people = await report(by="account_id")
    assert [one["account_id"] for one in people] == [busy.id, idle.id]
    [often] = [one for one in await report(by=["model"], user_id=busy.id) if one["model"] == "ok"]
    assert (often["requests"], often["account_id"], often["day"]) == (2, None, None)
    assert sum(one["total_tokens"] for one in people) == (await report())[0]["total_tokens"]
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    assert await report(**{"from": "2020-01-01", "to": "2020-12-31"}) == []
    assert (await report(**{"from": yesterday})) == await report()


async def test_a_quota_that_says_nothing_is_refused(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    bodies: list[dict[str, Any]] = [{}, {"tokens": -1}, {"requests": "many"}, {"tokens": 1, "period": "year"}]
    for body in bodies:
        answer = await client.put(f"{ADMIN}/quotas/users/{person.id}", json=body, headers=admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-fields")


async def test_nobody_but_operators_touches_quotas_and_odd_periods_are_refused(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    refused = await client.put(f"{ADMIN}/quotas/users/{person.id}", json={"tokens": 10**9}, headers=person.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    for path in ("/quotas", "/usage"):
        assert (await client.get(ADMIN + path, headers=person.headers)).status_code == 403
    nobody = f"{ADMIN}/quotas/users/01900000-0000-7000-8000-000000000000"
    assert (await client.put(nobody, json={"tokens": 1}, headers=admin.headers)).json()["code"] == "account-not-found"
    assert (await usage(client, person, to="0001-01-05"))["items"] == []
    for days in ({"from": "2026-02-01", "to": "2026-01-01"}, {"from": "2020-01-01", "to": "2026-01-01"}):
        answer = await client.get(f"{CHAT}/usage", params=days, headers=person.headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "period-too-long")
