"""Roles: named sets of permissions, which hold from the next request on."""

import httpx2
import pytest

from tests.admin.test_users import USERS, make_helper, patch
from tests.factories import SignedIn, make_admin, make_user, sign_in

ROLES = "/api/v1/roles"


@pytest.fixture
async def admin(client: httpx2.AsyncClient) -> SignedIn:
    return await make_admin(client)


async def role_named(client: httpx2.AsyncClient, admin: SignedIn, name: str) -> str:
    listed = (await client.get(ROLES, headers=admin.headers)).json()
    return next(str(role["id"]) for role in listed if role["name"] == name)


async def test_admin_and_member_are_there_from_the_start(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    listed = (await client.get(ROLES, headers=admin.headers)).json()
    assert [(role["name"], role["is_built_in"]) for role in listed] == [("Admin", True), ("Member", True)]
    assert listed[1]["permissions"] == ["chat", "captions", "media", "keys"]
    assert set(listed[1]["permissions"]) < set(listed[0]["permissions"])


async def test_a_role_is_added_given_changed_and_removed(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    helper = await make_helper(client, admin, "admin:users")
    at = f"{ROLES}/{await role_named(client, admin, 'Helper')}"
    assert (await client.get(f"{USERS}/{admin.id}", headers=helper.headers)).status_code == 200
    changed = await client.patch(at, json={"permissions": ["chat"], "description": "Less"}, headers=admin.headers)
    assert (changed.json()["permissions"], changed.json()["description"]) == (["chat"], "Less")
    assert (await client.get(f"{USERS}/{admin.id}", headers=helper.headers)).status_code == 403
    used = await client.delete(at, headers=admin.headers)
    assert (used.status_code, used.json()["code"]) == (409, "role-in-use")
    assert (await patch(client, admin, helper.id, role="Member")).status_code == 200
    assert (await client.delete(at, headers=admin.headers)).status_code == 204
    assert (await client.get(at, headers=admin.headers)).status_code == 404


async def test_what_every_member_reaches_can_be_narrowed(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    person = await make_user(client)
    member = await role_named(client, admin, "Member")
    conversations = "/api/v1/chat/conversations"
    assert (await client.get(conversations, headers=person.headers)).status_code == 200
    await client.patch(f"{ROLES}/{member}", json={"permissions": ["captions", "media"]}, headers=admin.headers)
    assert (await client.get(conversations, headers=person.headers)).status_code == 403
    assert (await sign_in(client, person.account_id)).scope == "profile captions media offline_access"


async def test_a_role_without_permissions_still_is_somebody(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    helper = await make_helper(client, admin)
    assert helper.scope == "profile offline_access"
    assert (await client.get("/api/v1/accounts/me", headers=helper.headers)).json()["role"] == "Helper"


async def test_nobody_gives_what_they_do_not_have(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    helper = await make_helper(client, admin, "admin:roles", "chat")
    at = f"{ROLES}/{await role_named(client, admin, 'Helper')}"
    member = f"{ROLES}/{await role_named(client, admin, 'Member')}"
    refusals = [
        await client.post(ROLES, json={"name": "Mine", "permissions": ["admin:users"]}, headers=helper.headers),
        await client.patch(at, json={"permissions": ["admin:roles", "admin:audit"]}, headers=helper.headers),
        await client.patch(member, json={"permissions": ["chat"]}, headers=helper.headers),
    ]
    assert {(one.status_code, one.json()["code"]) for one in refusals} == {(403, "beyond-your-role")}
    fewer = await client.patch(at, json={"permissions": ["admin:roles"]}, headers=helper.headers)
    assert fewer.status_code == 200


async def test_what_is_built_in_stays(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    at = f"{ROLES}/{await role_named(client, admin, 'Admin')}"
    member = f"{ROLES}/{await role_named(client, admin, 'Member')}"
    for refused in (
        await client.patch(at, json={"permissions": []}, headers=admin.headers),
        await client.delete(at, headers=admin.headers),
        await client.delete(member, headers=admin.headers),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "role-built-in")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "admin"}, 409),
        ({"name": "MEMBER", "permissions": ["chat"]}, 409),
        ({"name": ""}, 422),
        ({"name": "x" * 51}, 422),
        ({"name": "a\nb"}, 422),
        ({"name": "ok", "permissions": ["everything"]}, 422),
        ({"name": "ok", "permissions": ["offline_access"]}, 422),
        ({"name": "ok", "is_built_in": True}, 422),
    ],
)
async def test_an_unfit_role_is_refused(
    client: httpx2.AsyncClient, admin: SignedIn, body: dict[str, object], status: int
) -> None:
    refused = await client.post(ROLES, json=body, headers=admin.headers)
    assert refused.status_code == status
    assert len((await client.get(ROLES, headers=admin.headers)).json()) == 2


async def test_members_see_no_roles(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    assert (await client.get(ROLES, headers=person.headers)).status_code == 403
