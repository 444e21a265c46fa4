import httpx2
from sqlalchemy import text
from tests.factories import make_user

from madang.db.session import Database

ME = "/api/v1/accounts/me"


async def test_me_shows_the_account_that_is_signed_in(client: httpx2.AsyncClient) -> None:
    person = await make_user(client, "minji")
    answer = await client.get("/api/v1/accounts/me", headers=person.headers)
    assert answer.status_code == 200
    assert answer.json()["account_id"] == "minji"
    assert answer.json()["role"] == "Member"


async def test_profile_changes_hold_and_foreign_fields_are_refused(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    patch = {"name": "김민지", "language": "ko", "time_zone": "Asia/Seoul"}
    assert (await client.patch("/api/v1/accounts/me", json=patch, headers=person.headers)).status_code == 200
    refused = await client.patch("/api/v1/accounts/me", json={"role": "Admin"}, headers=person.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "field-not-yours")
    unknown = await client.patch("/api/v1/accounts/me", json={"shoe_size": 42}, headers=person.headers)
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/shoe_size")
    me = (await client.get("/api/v1/accounts/me", headers=person.headers)).json()
    assert (me["name"], me["language"], me["time_zone"], me["role"]) == ("김민지", "ko", "Asia/Seoul", "Member")


async def test_signed_in_people_read_problems_in_their_language(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    await client.patch("/api/v1/accounts/me", json={"language": "ko"}, headers=person.headers)
    missing = await client.delete(f"/api/v1/sessions/{person.id}", headers=person.headers)
    assert missing.json()["title"] == "그런 세션이 없습니다"


async def test_exist_tells_without_regard_to_case(client: httpx2.AsyncClient) -> None:
    await make_user(client, "Hana_01")
    taken = await client.get("/api/v1/accounts/exist/hana_01")
    free = await client.get("/api/v1/accounts/exist/hana_02/")
    assert taken.json() == {"account_id": "hana_01", "exists": True}
    assert free.json() == {"account_id": "hana_02", "exists": False}


async def test_a_generated_account_id_is_chosen_once(client: httpx2.AsyncClient, database: Database) -> None:
    person, other = await make_user(client, "user_k3x9"), await make_user(client, "taken_id")
    async with database.unit() as session:
        generated = text("UPDATE accounts SET is_account_id_generated = true WHERE account_id = 'user_k3x9'")
        await session.execute(generated)
    taken = await client.patch(ME, json={"account_id": "TAKEN_id"}, headers=person.headers)
    assert (taken.status_code, taken.json()["code"]) == (409, "account-id-taken")
    chosen = await client.patch(ME, json={"account_id": "Jisoo"}, headers=person.headers)
    assert (chosen.status_code, chosen.json()["account_id"]) == (200, "Jisoo")
    for who in (person, other):
        again = await client.patch(ME, json={"account_id": "third"}, headers=who.headers)
        assert (again.status_code, again.json()["code"]) == (403, "field-not-yours")
    assert (await client.get("/api/v1/accounts/exist/user_k3x9")).json()["exists"] is False
    assert (await client.get("/api/v1/accounts/exist/jisoo")).json()["exists"] is True
