"""What a person has chosen, on every device."""

import asyncio
from typing import Any

import httpx2
import pytest
from tests.factories import SignedIn, make_user

PATH = "/api/v1/accounts/me/preferences"


async def change(client: httpx2.AsyncClient, person: SignedIn, **patch: Any) -> httpx2.Response:
    return await client.patch(PATH, json=patch, headers=person.headers)


async def test_everything_has_a_default(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    shown = (await client.get(PATH, headers=person.headers)).json()
    assert shown["theme"] == "system"
    assert (shown["captions"]["size"], shown["captions"]["size_shows"]) == (1, "loudness")
    assert shown["chat"] == {"model": None, "enter_sends": True}
    assert (await client.get(PATH)).status_code == 401


async def test_a_patch_merges_and_null_goes_back_to_the_default(client: httpx2.AsyncClient) -> None:
    person, other = await make_user(client), await make_user(client)
    await change(client, person, theme="dark", captions={"size": 1.5, "show_emotion": False})
    shown = (await change(client, person, captions={"size": None, "motion": "reduced"}, chat={"model": "m"})).json()
    assert shown["theme"] == "dark"
    assert (shown["captions"]["size"], shown["captions"]["show_emotion"]) == (1, False)
    assert (shown["captions"]["motion"], shown["chat"]["model"]) == ("reduced", "m")
    assert (await client.get(PATH, headers=person.headers)).json() == shown
    reset = (await change(client, person, captions=None)).json()
    assert (reset["captions"]["show_emotion"], reset["theme"]) == (True, "dark")
    assert (await client.get(PATH, headers=other.headers)).json()["theme"] == "system"


@pytest.mark.parametrize(
    "patch",
    [{"theme": "pink"}, {"captions": {"size": 9}}, {"captions": []}, {"unknown": 1}, {"chat": {"model": "x" * 201}}],
)
async def test_what_is_no_preference_is_refused_and_changes_nothing(
    client: httpx2.AsyncClient, patch: dict[str, Any]
) -> None:
    person = await make_user(client)
    before = (await client.get(PATH, headers=person.headers)).json()
    assert (await change(client, person, **patch)).status_code == 422
    assert (await client.get(PATH, headers=person.headers)).json() == before


async def test_of_changes_at_once_none_is_lost(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    await asyncio.gather(
        change(client, person, theme="dark"),
        change(client, person, captions={"size": 2}),
        change(client, person, captions={"motion": "full"}),
        change(client, person, chat={"enter_sends": False}),
    )
    shown = (await client.get(PATH, headers=person.headers)).json()
    assert (shown["theme"], shown["captions"]["size"], shown["captions"]["motion"]) == ("dark", 2, "full")
    assert shown["chat"]["enter_sends"] is False
