"""`madang users`: looking after people beside a running server."""

import asyncio
import json

import httpx2
from sqlalchemy import text

from madang.db.session import Database
from tests.cli.conftest import Done, Installation
from tests.factories import PASSWORD, make_admin, make_user

ME, TOKEN = "/api/v1/accounts/me", "/api/v1/accounts/token"


async def users(migrated: Installation, *arguments: str) -> Done:
    return await asyncio.to_thread(migrated.run, "users", *arguments)


async def test_a_disabled_person_is_out_at_once_and_comes_back(
    migrated: Installation, client: httpx2.AsyncClient
) -> None:
    person = await make_user(client, "jisoo")
    done = await users(migrated, "disable", "JISOO")
    assert (done.returncode, done.stdout) == (0, "Disabled JISOO; every session has ended.\n"), done.stderr
    assert (await client.get(ME, headers=person.headers)).status_code == 401
    assert (await client.post(TOKEN, data={"username": "jisoo", "password": PASSWORD})).status_code == 400
    listed = (await users(migrated, "list", "--inactive")).stdout
    assert "jisoo" in listed
    assert (await users(migrated, "enable", person.id)).returncode == 0
    assert (await client.post(TOKEN, data={"username": "jisoo", "password": PASSWORD})).status_code == 200


async def test_a_deletion_is_taken_back_unless_the_id_is_taken(
    migrated: Installation, client: httpx2.AsyncClient
) -> None:
    person = await make_user(client, "jisoo")
    assert (await users(migrated, "delete", "jisoo")).returncode == 1, "it asks first, and nobody answers"
    assert (await users(migrated, "delete", "jisoo", "--yes")).returncode == 0
    assert "jisoo" not in (await users(migrated, "list")).stdout
    assert "jisoo" in (await users(migrated, "list", "--deleted")).stdout
    successor = await make_user(client, "jisoo")
    taken = await users(migrated, "restore", person.id)
    assert (taken.returncode, "jisoo is in use" in taken.stderr) == (1, True)
    restored = await users(migrated, "restore", person.id, "--account-id", "jisoo_old")
    assert restored.stdout == "Restored jisoo_old.\n"
    assert (await client.post(TOKEN, data={"username": "jisoo_old", "password": PASSWORD})).status_code == 200
    assert (await client.get(ME, headers=successor.headers)).status_code == 200
    assert (await client.get(ME, headers=person.headers)).status_code == 401, "what had ended stays ended"


async def test_the_last_administrator_and_nobody_at_all_are_refused_in_a_sentence(
    migrated: Installation, client: httpx2.AsyncClient
) -> None:
    await make_admin(client)
    for command, name, reason in (
        ("disable", "admin", "administrator"),
        ("disable", "nobody", "no such account"),
        ("restore", "admin", "Only a deleted account"),
        ("restore", "nobody", "no such account"),
    ):
        done = await users(migrated, command, name)
        assert done.returncode == 1
        assert reason in done.stderr
        assert "Traceback" not in done.stderr


async def test_the_list_is_whole_and_can_be_read_by_programs(
    migrated: Installation, client: httpx2.AsyncClient, database: Database
) -> None:
    await make_admin(client)
    async with database.unit() as session:
        for number in range(700):
            await session.execute(
                text(
                    "INSERT INTO accounts (id, account_id, account_key, role, is_active, auth_provider, "
                    "is_account_id_generated, created_at) "
                    "SELECT :id, :name, :name, 'Member', is_active, 'local', is_account_id_generated, created_at "
                    "FROM accounts WHERE account_id = 'admin'"
                ),
                {"id": f"01a2{number:028x}", "name": f"p_{number}"},
            )
    done = await users(migrated, "list", "--json")
    people = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(people) == 701
    assert {one["role"] for one in people} == {"Admin", "Member"}
    assert "password_hash" not in done.stdout
    admins = await users(migrated, "list", "--role", "Admin")
    assert len(admins.stdout.splitlines()) == 2
