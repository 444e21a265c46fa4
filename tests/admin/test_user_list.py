"""The list of people: found by any part of what they are called, page by page."""

import unicodedata
from typing import Any

import httpx2
import pytest

from tests.admin.test_users import USERS, patch
from tests.factories import PASSWORD, SignedIn, make_admin, make_user

Found = dict[str, Any]
FEED = "/api/v1/admin/users"
NAMES = {"haneul": "김하늘", "hana_k": "김하나", "alba_1": "Alba Grün", "percent": "100% 50_50", "plain": None}


@pytest.fixture
async def admin(client: httpx2.AsyncClient) -> SignedIn:
    admin = await make_admin(client)
    for account_id, name in NAMES.items():
        body = {"account_id": account_id, "password": PASSWORD, **({"name": name} if name else {})}
        assert (await client.post("/api/v1/accounts", json=body)).status_code == 201
    return admin


async def listed(client: httpx2.AsyncClient, admin: SignedIn, **query: object) -> Found:
    answer = await client.get(USERS, params={name: str(value) for name, value in query.items()}, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    body: Found = answer.json()
    return body


def ids(found: Found) -> list[str]:
    return [one["account_id"] for one in found["items"]]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("하늘", {"haneul"}),
        ("김하", {"haneul", "hana_k"}),
        ("김하ㄴ", {"haneul", "hana_k"}),
        ("김", {"haneul", "hana_k"}),
        (unicodedata.normalize("NFD", "하나"), {"hana_k"}),
        ("GRÜN", {"alba_1"}),
        ("lba_", {"alba_1"}),
        ("AL", {"alba_1"}),
        ("ana", {"hana_k"}),
        ("100%", {"percent"}),
        ("%%%", set()),
        ("___", set()),
        ("'; DROP TABLE accounts; --", set()),
        ("\\", set()),
        ("nobody at all", set()),
    ],
)
async def test_people_are_found_by_any_part(
    client: httpx2.AsyncClient, admin: SignedIn, q: str, found: set[str]
) -> None:
    answer = await listed(client, admin, q=q)
    assert set(ids(answer)) == found
    assert (answer["total"], answer["total_is_exact"]) == (len(found), True)


async def test_a_new_name_is_found_and_the_former_one_is_not(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    person = (await listed(client, admin, q="하늘"))["items"][0]
    await patch(client, admin, person["id"], name="박바다")
    assert ids(await listed(client, admin, q="바다")) == ["haneul"]
    assert ids(await listed(client, admin, q="하늘")) == []


async def test_filters_narrow_together(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    person = (await listed(client, admin, q="alba"))["items"][0]
    await patch(client, admin, person["id"], is_active=False)
    assert ids(await listed(client, admin, is_active=False)) == ["alba_1"]
    assert ids(await listed(client, admin, role="Admin")) == ["admin"]
    assert ids(await listed(client, admin, role="Admin", is_active=False)) == []
    assert ids(await listed(client, admin, provider="google")) == []
    assert ids(await listed(client, admin, created_to="2020-01-01T00:00:00Z")) == []
    assert len(ids(await listed(client, admin, created_from="2020-01-01T00:00:00Z"))) == 6
    await client.delete(f"{USERS}/{person['id']}", headers=admin.headers)
    assert "alba_1" not in ids(await listed(client, admin))
    gone = await listed(client, admin, deleted=True)
    assert ids(gone) == ["alba_1"]
    assert gone["items"][0]["deleted_at"] is not None


async def test_every_order_and_its_reverse(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    by_name = ["percent", "alba_1", "hana_k", "haneul"]
    assert ids(await listed(client, admin, sort="name"))[:4] == by_name
    for sort in ("name", "created_at", "account_id"):
        forwards = ids(await listed(client, admin, sort=sort))
        assert ids(await listed(client, admin, sort=f"-{sort}")) == forwards[::-1]
    assert ids(await listed(client, admin, sort="account_id")) == sorted(["admin", *NAMES])


async def test_pages_hold_everybody_once(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    pages = [await listed(client, admin, page=number, size=2) for number in (1, 2, 3, 4)]
    assert [len(page["items"]) for page in pages] == [2, 2, 2, 0]
    assert len({one for page in pages for one in ids(page)}) == 6
    assert {page["total"] for page in pages} == {6}


@pytest.mark.parametrize(
    "query",
    [
        "sort=password_hash",
        "sort=role",
        "page=0",
        "size=101",
        "page=1001&size=10",
        "created_from=yesterday",
        "created_to=2020-01-01T00:00:00",
        f"q={'x' * 101}",
    ],
)
async def test_what_can_not_be_listed_is_refused(client: httpx2.AsyncClient, admin: SignedIn, query: str) -> None:
    assert (await client.get(f"{USERS}?{query}", headers=admin.headers)).status_code == 422


async def test_members_list_nobody(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    assert (await client.get(USERS, headers=person.headers)).status_code == 403


async def test_the_feed_holds_everybody_once_while_people_come_and_go(
    client: httpx2.AsyncClient, admin: SignedIn
) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        answer = await client.get(FEED, params=params, headers=admin.headers)
        assert answer.status_code == 200, answer.text
        seen += ids(answer.json())
        cursor = answer.json()["next_cursor"]
        if len(seen) == 2:
            await make_user(client, "latecomer")
        if cursor is None:
            break
    assert seen[-1] == "latecomer"
    assert sorted(seen) == sorted(["admin", *NAMES, "latecomer"])
    narrowed = await client.get(FEED, params={"q": "하", "role": "Member"}, headers=admin.headers)
    assert ids(narrowed.json()) == []
    found = await client.get(FEED, params={"q": "김하"}, headers=admin.headers)
    assert set(ids(found.json())) == {"haneul", "hana_k"}
    member = await make_user(client)
    assert (await client.get(FEED, headers=member.headers)).status_code == 403
