"""Presets: kept, changed and removed by their owner alone."""

import asyncio

import httpx2

from tests.chat.talking import CHAT
from tests.factories import SignedIn, make_user

PRESETS = f"{CHAT}/presets"


async def test_presets_are_kept_changed_and_removed(client: httpx2.AsyncClient, person: SignedIn) -> None:
    brief = {"name": "간결하게", "system_prompt": "한 문장으로 답하세요.", "model": "ok"}
    made = await client.post(PRESETS, json=brief, headers=person.headers)
    assert made.status_code == 201
    assert {name: made.json()[name] for name in brief} == brief
    at = made.headers["location"]
    await client.post(PRESETS, json={"name": "another"}, headers=person.headers)
    listed = (await client.get(PRESETS, headers=person.headers)).json()["items"]
    assert [one["name"] for one in listed] == ["another", "간결하게"]
    changed = await client.patch(at, json={"name": "brief", "model": None}, headers=person.headers)
    assert (changed.json()["name"], changed.json()["model"]) == ("brief", None)
    assert changed.json()["system_prompt"] == brief["system_prompt"]
    taken = await client.patch(at, json={"name": "another"}, headers=person.headers)
    assert (taken.status_code, taken.json()["code"]) == (409, "preset-name-taken")
    other = await make_user(client)
    assert (await client.get(PRESETS, headers=other.headers)).json() == {"items": []}
    for method in ("PATCH", "DELETE"):
        json = {"name": "mine"} if method == "PATCH" else None
        refused = await client.request(method, at, json=json, headers=other.headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "preset-not-found")
    assert (await client.delete(at, headers=person.headers)).status_code == 204
    assert (await client.delete(at, headers=person.headers)).status_code == 404


async def test_two_of_one_name_at_once_make_one_and_there_is_an_end(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    adding = [client.post(PRESETS, json={"name": "same"}, headers=person.headers) for _ in range(5)]
    assert sorted(one.status_code for one in await asyncio.gather(*adding)) == [201] + [409] * 4
    for number in range(99):
        await client.post(PRESETS, json={"name": f"p{number}"}, headers=person.headers)
    full = await client.post(PRESETS, json={"name": "one more"}, headers=person.headers)
    assert (full.status_code, full.json()["code"]) == (409, "too-many-presets")
    for bad in ({}, {"name": " "}, {"name": "x" * 101}, {"name": "x", "system_prompt": "x" * 20_001}):
        answer = await client.post(PRESETS, json=bad, headers=person.headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-fields")
