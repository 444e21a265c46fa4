"""`madang keys`: rotation and the change of the secret, beside a server that goes on."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jws

from tests.cli.conftest import Done, Installation
from tests.factories import PASSWORD, make_user
from tests.factors.enrolling import answer, enrol, mfa_token
from tests.servers import ServerProcess, server_process

ME, TOKEN, JWKS = "/api/v1/accounts/me", "/api/v1/accounts/token", "/.well-known/jwks.json"
OLD, NEW = "0123456789abcdef" * 4, "fedcba9876543210" * 4


@pytest.fixture
def keys(tmp_path: Path, database_url: str) -> Installation:
    return Installation(tmp_path, {"MADANG_DATABASE_URL": database_url, "MADANG_SECRET_KEY": OLD})


async def run(keys: Installation, *arguments: str, **environment: str) -> Done:
    return await asyncio.to_thread(keys.run, "keys", *arguments, **environment)


def rows(done: Done) -> dict[str, list[str]]:
    """Algorithm and state of each key, by its id."""
    assert done.returncode == 0, done.stderr
    return {line.split()[0]: line.split()[1:3] for line in done.stdout.splitlines()[1:]}


def kid(token: str) -> Any:
    return jws.extract_compact(token.encode()).headers()["kid"]


def opened(server: ServerProcess) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=server.url, timeout=60, trust_env=False)


async def test_a_rotation_publishes_first_and_signs_later(keys: Installation) -> None:
    with server_process(keys.folder, **keys.environment):
        [first] = rows(await run(keys, "list"))
    made = await run(keys, "rotate", "--lead", "3600")
    assert re.search(r"it signs from \d{4}-\d\d-\d\d", made.stdout)
    listed = rows(await run(keys, "list"))
    assert listed.pop(first) == ["EdDSA", "signing"]
    [[second, state]] = listed.items()
    assert state == ["EdDSA", "next"]
    with server_process(keys.folder, **keys.environment) as server:
        async with opened(server) as client:
            assert {key["kid"] for key in (await client.get(JWKS)).json()["keys"]} == {first, second}
            assert kid((await make_user(client)).access_token) == first
    again = await run(keys, "rotate", "--now")
    assert "A server may sign with the old key" in again.stdout
    listed = rows(await run(keys, "list"))
    assert second not in listed, "what never signed and would come later is dropped"
    assert sorted(state for _, state in listed.values()) == ["signing", "verifying"]


async def test_a_leaked_key_is_forgotten(keys: Installation, database_url: str, tmp_path: Path) -> None:
    with server_process(keys.folder, **keys.environment) as server:
        async with opened(server) as client:
            person = await make_user(client)
    [leaked] = rows(await run(keys, "list"))
    unknown = await run(keys, "revoke", "--yes", "nothing")
    assert (unknown.returncode, "There is no key nothing" in unknown.stderr) == (1, True)
    refused = await run(keys, "revoke", leaked)
    assert refused.returncode == 1, "it asks first, and nobody answers"
    done = await run(keys, "revoke", leaked, "--yes")
    assert "signs from now on" in done.stdout
    assert leaked not in rows(await run(keys, "list"))
    with server_process(keys.folder, **keys.environment) as server:
        async with opened(server) as client:
            assert (await client.get(ME, headers=person.headers)).status_code == 401
            refreshed = await client.post("/api/v1/accounts/refresh", json={"refresh_token": person.refresh_token})
            assert kid(refreshed.json()["access_token"]) != leaked


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "HS256"])
async def test_another_algorithm_takes_over_after_its_lead(keys: Installation, algorithm: str) -> None:
    with server_process(keys.folder, **keys.environment) as server:
        async with opened(server) as client:
            person = await make_user(client)
    environment = {**keys.environment, "MADANG_JWT_ALGORITHM": algorithm}
    with server_process(keys.folder, **environment) as server:
        async with opened(server) as client:
            assert (await client.get(ME, headers=person.headers)).status_code == 200
            form = {"username": person.account_id, "password": PASSWORD}
            assert kid((await client.post(TOKEN, data=form)).json()["access_token"]) == kid(person.access_token)
            published = (await client.get(JWKS)).json()["keys"]
    wanted = {"EdDSA"} if algorithm == "HS256" else {"EdDSA", algorithm}
    assert {key["alg"] for key in published} == wanted, "a shared secret is never published"
    assert not any({"d", "k", "p"} & set(key) for key in published)
    listed = rows(await run(keys, "list"))
    assert [algorithm, "next"] in listed.values()


async def test_everything_moves_to_a_new_secret_and_the_old_one_goes(keys: Installation) -> None:
    with server_process(keys.folder, **keys.environment) as server:
        async with opened(server) as client:
            enrolled = await enrol(client)
            person = enrolled.person
    both = {"MADANG_SECRET_KEY": f"{NEW},{OLD}"}
    doctor = await asyncio.to_thread(keys.run, "doctor", **both)
    assert "run: madang keys rewrap" in doctor.stdout
    done = await run(keys, "rewrap", **both)
    assert (done.returncode, done.stderr) == (0, "")
    assert "signing_keys: 1 sealed anew" in done.stdout
    assert "totp_factors: 1 sealed anew" in done.stdout
    assert "Still on an older secret: 1 sessions" in done.stdout
    assert "Still on an older secret: 10 recovery codes" in done.stdout
    again = await run(keys, "rewrap", **both)
    assert "signing_keys: 0 sealed anew" in again.stdout, "a second run finds nothing to do"
    with server_process(keys.folder, **keys.environment | {"MADANG_SECRET_KEY": NEW}) as server:
        async with opened(server) as client:
            assert (await client.get(ME, headers=person.headers)).status_code == 200
            in_again = await answer(client, await mfa_token(client, enrolled), enrolled.code())
            assert in_again.status_code == 200
            gone = await client.post("/api/v1/accounts/refresh", json={"refresh_token": person.refresh_token})
            assert gone.status_code == 400, "its session still hung on the old secret, as was said"


async def test_a_secret_dropped_too_early_says_what_to_do(keys: Installation) -> None:
    rows(await run(keys, "rotate", "--now"))
    done = await run(keys, "rewrap", MADANG_SECRET_KEY=NEW)
    assert done.returncode == 1
    assert "add the former value of MADANG_SECRET_KEY to its comma list" in done.stderr
    assert "Traceback" not in done.stderr
    doctor = await asyncio.to_thread(keys.run, "doctor", MADANG_SECRET_KEY=NEW)
    assert (doctor.returncode, "can't be read" in doctor.stdout) == (1, True)
