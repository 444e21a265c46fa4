"""People through the eyes of administrators: seen, changed, closed and taken back, and nothing for anybody else."""

import asyncio

import httpx2
import pytest

from tests.factories import PASSWORD, SignedIn, make_admin, make_user, sign_in

USERS, ME = "/api/v1/users", "/api/v1/accounts/me"


@pytest.fixture
async def admin(client: httpx2.AsyncClient) -> SignedIn:
    return await make_admin(client)


@pytest.fixture
async def person(client: httpx2.AsyncClient) -> SignedIn:
    return await make_user(client)


async def patch(client: httpx2.AsyncClient, by: SignedIn, user_id: str, **changes: object) -> httpx2.Response:
    return await client.patch(f"{USERS}/{user_id}", json=changes, headers=by.headers)


async def status_of(client: httpx2.AsyncClient, person: SignedIn) -> int:
    return (await client.get(ME, headers=person.headers)).status_code


async def make_helper(client: httpx2.AsyncClient, admin: SignedIn, *permissions: str) -> SignedIn:
    """Somebody with a role of these permissions, signed in with all of them."""
    role = {"name": "Helper", "permissions": list(permissions)}
    assert (await client.post("/api/v1/roles", json=role, headers=admin.headers)).status_code == 201
    helper = await make_user(client)
    assert (await patch(client, admin, helper.id, role="helper")).json()["role"] == "Helper"
    return await sign_in(client, helper.account_id, " ".join(("profile", "offline_access", *permissions)))


async def test_somebody_is_seen_by_administrators_and_by_themselves(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    for viewer in (admin, person):
        seen = await client.get(f"{USERS}/{person.id}", headers=viewer.headers)
        assert seen.status_code == 200
        body = seen.json()
        assert (body["id"], body["role"], body["mfa_enabled"], body["deleted_at"]) == (person.id, "Member", False, None)
        assert body["last_sign_in_at"] is not None
        assert "permissions" not in body
    assert (await client.get(f"{USERS}/{admin.id}", headers=person.headers)).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/restore"),
        ("DELETE", "/sessions"),
        ("POST", "/password-reset"),
        ("POST", "/impersonate"),
    ],
)
async def test_a_member_does_nothing_to_others(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn, method: str, path: str
) -> None:
    body = {"reason": "curious"} if path == "/impersonate" else {"name": "x"} if method == "PATCH" else None
    answer = await client.request(method, f"{USERS}/{admin.id}{path}", json=body, headers=person.headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "insufficient-scope"
    assert await status_of(client, admin) == 200


@pytest.mark.parametrize("field", ["role", "is_active"])
async def test_nobody_raises_themselves(client: httpx2.AsyncClient, person: SignedIn, field: str) -> None:
    refused = await patch(client, person, person.id, name="Me", **{field: "Admin" if field == "role" else True})
    assert (refused.status_code, refused.json()["code"]) == (403, "administrators-only")
    assert (await client.get(ME, headers=person.headers)).json()["name"] is None
    unknown = await patch(client, person, person.id, email_verified=True)
    assert unknown.status_code == 422
    assert (await patch(client, person, person.id, name="Me")).json()["name"] == "Me"


async def test_disabling_ends_everything_at_once_and_enabling_lets_in_again(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    assert (await patch(client, admin, person.id, is_active=False)).json()["is_active"] is False
    assert await status_of(client, person) == 401
    form = {"username": person.account_id, "password": PASSWORD}
    assert (await client.post("/api/v1/accounts/token", data=form)).status_code == 400
    assert (await patch(client, admin, person.id, is_active=True)).json()["is_active"] is True
    assert await status_of(client, await sign_in(client, person.account_id)) == 200


async def test_a_role_taken_away_reaches_nothing_from_the_next_request_on(
    client: httpx2.AsyncClient, admin: SignedIn
) -> None:
    helper = await make_helper(client, admin, "admin:users")
    assert (await client.get(f"{USERS}/{admin.id}", headers=helper.headers)).status_code == 200
    assert (await patch(client, admin, helper.id, role="Member")).status_code == 200
    assert (await client.get(f"{USERS}/{admin.id}", headers=helper.headers)).status_code == 403
    assert await status_of(client, helper) == 200


async def test_nobody_touches_or_makes_whoever_reaches_further(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    helper, person = await make_helper(client, admin, "admin:users"), await make_user(client)
    at = f"{USERS}/{admin.id}"
    refusals = [
        await patch(client, helper, admin.id, is_active=False),
        await patch(client, helper, admin.id, role="Member"),
        await client.delete(at, headers=helper.headers),
        await client.delete(f"{at}/sessions", headers=helper.headers),
        await client.post(f"{at}/password-reset", headers=helper.headers),
        await patch(client, helper, person.id, role="Admin"),
        await patch(client, helper, helper.id, role="Admin"),
    ]
    assert {(one.status_code, one.json()["code"]) for one in refusals} == {(403, "beyond-your-role")}
    assert await status_of(client, admin) == 200


async def test_of_two_administrators_who_demote_each_other_one_stays(
    client: httpx2.AsyncClient, admin: SignedIn
) -> None:
    other = await make_user(client)
    assert (await patch(client, admin, other.id, role="Admin")).status_code == 200
    other = await sign_in(client, other.account_id, admin.scope)
    answers = await asyncio.gather(
        patch(client, admin, other.id, role="Member"), patch(client, other, admin.id, role="Member")
    )
    assert sorted(one.status_code for one in answers) in ([200, 403], [200, 409])
    last = admin if answers[0].status_code == 200 else other
    for refused in (
        await patch(client, last, last.id, role="Member"),
        await patch(client, last, last.id, is_active=False),
        await client.delete(f"{USERS}/{last.id}", headers=last.headers),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "last-administrator")


async def test_changes_of_everything_at_once_hold_each_other_up_and_no_longer(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    changes: list[dict[str, object]] = [
        {"name": "One", "role": "Admin"},
        {"name": "Two", "is_active": False},
        {"is_active": True, "language": "ko"},
        {"role": "Member"},
    ]
    answers = await asyncio.gather(*(patch(client, admin, person.id, **change) for change in changes * 5))
    assert {one.status_code for one in answers} == {200}


async def test_deleting_frees_the_id_and_restoring_asks_for_another(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    assert (await client.delete(f"{USERS}/{person.id}", headers=admin.headers)).status_code == 204
    assert await status_of(client, person) == 401
    assert (await client.get(f"{USERS}/{person.id}", headers=admin.headers)).json()["deleted_at"] is not None
    assert (await client.delete(f"{USERS}/{person.id}", headers=admin.headers)).status_code == 404
    await make_user(client, person.account_id)
    restore = f"{USERS}/{person.id}/restore"
    taken = await client.post(restore, headers=admin.headers)
    assert (taken.status_code, taken.json()["code"]) == (409, "account-id-taken")
    restored = await client.post(restore, json={"account_id": "back_again"}, headers=admin.headers)
    assert (restored.status_code, restored.json()["deleted_at"]) == (200, None)
    assert await status_of(client, await sign_in(client, "back_again")) == 200
    again = await client.post(restore, headers=admin.headers)
    assert (again.status_code, again.json()["code"]) == (409, "account-not-deleted")


async def test_leaving_by_this_way_needs_a_fresh_sign_in_and_no_key_does_it(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    made = await client.post("/api/v1/api-keys", json={"name": "x"}, headers=person.headers)
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    assert (await client.delete(f"{USERS}/{person.id}", headers=key)).status_code == 403
    assert (await client.delete(f"{USERS}/{person.id}", headers=person.headers)).status_code == 204


async def test_all_sessions_of_somebody_end(client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn) -> None:
    second = await sign_in(client, person.account_id)
    ended = await client.delete(f"{USERS}/{person.id}/sessions", headers=admin.headers)
    assert ended.json() == {"sessions_ended": 2}
    assert [await status_of(client, one) for one in (person, second, admin)] == [401, 401, 200]


async def test_nobody_is_found_by_an_id_that_is_nobodys(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    nobody = f"{USERS}/01900000-0000-7000-8000-00000000dead"
    for answer in (
        await client.get(nobody, headers=admin.headers),
        await client.patch(nobody, json={"role": "Member"}, headers=admin.headers),
        await client.delete(nobody, headers=admin.headers),
        await client.post(f"{nobody}/restore", headers=admin.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "account-not-found")
    assert (await client.get(f"{USERS}/nonsense", headers=admin.headers)).status_code == 422
    unknown = await patch(client, admin, admin.id, role="Emperor")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown-role")
    assert unknown.json()["errors"][0]["pointer"] == "/role"
