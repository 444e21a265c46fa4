"""What is no access token of ours, and what a valid one says."""

import asyncio
import base64
import json
import os
import time
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey
from sqlalchemy import text
from tests.factories import SignedIn, make_user

from madang.backends import Backends
from madang.kit.access_token import AccessTokens, new_private_key
from madang.kit.ids import new_id

ISSUER = "http://localhost:8000"
ME = "/api/v1/accounts/me"


def claims_of(token: str) -> dict[str, object]:
    body = token.split(".")[1]
    read: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return read


def header_of(token: str) -> dict[str, object]:
    head = token.split(".", maxsplit=1)[0]
    read: dict[str, object] = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    return read


async def test_the_claims_are_those_of_rfc_9068(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    claims, header = claims_of(person.access_token), header_of(person.access_token)
    assert header["typ"] == "at+jwt"
    wanted = {"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "scope", "client_id", "auth_time", "amr"}
    assert set(claims) == wanted
    assert claims["sub"] == person.id
    life = int(str(claims["exp"])) - int(str(claims["iat"]))
    assert abs(life - 900) <= 900 * 0.03 + 1


def signed(key: OKPKey, kid: str, typ: str = "at+jwt", **changes: object) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": ISSUER, "sub": "x", "sid": str(new_id()), "scope": "", "iat": now, "nbf": now}
    made = {**claims, "exp": now + 60, **changes}
    return jwt.encode(
        {"alg": "Ed25519", "typ": typ, "kid": kid},
        {k: v for k, v in made.items() if v is not None},
        key,
        algorithms=["Ed25519"],
    )


@pytest.mark.parametrize(
    ("typ", "changes"),
    [
        ("JWT", {}),
        ("at+jwt", {"iss": "https://elsewhere.example"}),
        ("at+jwt", {"aud": None}),
        ("at+jwt", {"exp": None}),
        ("at+jwt", {"exp": "tomorrow"}),
        ("at+jwt", {"sid": "not-a-uuid"}),
    ],
)
def test_a_token_with_a_wrong_claim_proves_nothing(typ: str, changes: dict[str, object]) -> None:
    jwk = new_private_key()
    tokens = AccessTokens({"k1": jwk}, ISSUER, timedelta(minutes=15))
    key = OKPKey.import_key(json.loads(jwk))
    assert tokens.read(signed(key, "k1")) is not None
    assert tokens.read(signed(key, "k1", typ, **changes)) is None


def test_times_are_compared_on_every_use_of_a_remembered_token() -> None:
    tokens = AccessTokens({"k1": new_private_key()}, ISSUER, timedelta(minutes=15))
    made, life = tokens.issue(subject=new_id(), session_id=new_id(), scopes="chat", authenticated_at=0, methods=["pwd"])
    first = tokens.read(made)
    assert first is tokens.read(made)
    assert first is not None
    assert first.is_live(time.time())
    assert not first.is_live(time.time() + life + 1)
    assert not first.is_live(time.time() - 5)


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' OR 1=1 --", "k" * 10_000, ""])
async def test_a_hostile_kid_is_a_plain_401(client: httpx2.AsyncClient, kid: str) -> None:
    forged = signed(OKPKey.generate_key("Ed25519"), kid)
    answer = await client.get(ME, headers={"Authorization": f"Bearer {forged}"})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_algorithm_confusion_fails(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    header, claims = header_of(person.access_token), claims_of(person.access_token)
    none = f"{_b64({**header, 'alg': 'none'})}.{_b64(claims)}."
    secret = OctKey.import_key("x" * 32)
    hs256 = jwt.encode({**header, "alg": "HS256"}, claims, secret, algorithms=["HS256"])
    for token in (none, hs256, person.access_token[:-4] + "AAAA", "rubbish"):
        assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code == 401, token[:20]


async def test_without_a_credential_the_challenge_names_no_error(client: httpx2.AsyncClient) -> None:
    answer = await client.get(ME)
    assert (answer.status_code, answer.json()["code"]) == (401, "not-signed-in")
    assert answer.headers["www-authenticate"] == 'Bearer realm="madang"'


async def test_a_token_in_the_query_string_is_ignored(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    assert (await client.get(ME, params={"access_token": person.access_token})).status_code == 401


async def test_the_header_wins_over_the_cookie(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    client.cookies.set("madang_access", person.access_token)
    assert (await client.get(ME)).status_code == 200
    assert (await client.get(ME, headers={"Authorization": "Bearer rubbish"})).status_code == 401


async def test_a_refresh_token_opens_no_api_and_an_access_token_refreshes_nothing(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    assert (await client.get(ME, headers={"Authorization": f"Bearer {person.refresh_token}"})).status_code == 401
    swapped = await client.post("/api/v1/accounts/refresh", json={"refresh_token": person.access_token})
    assert (swapped.status_code, swapped.json()["error"]) == (400, "invalid_grant")


async def test_the_token_of_a_deleted_account_is_a_401(client: httpx2.AsyncClient, backends: Backends) -> None:
    person: SignedIn = await make_user(client)
    async with backends.database.unit() as session:
        from madang.accounts.models import Account

        await session.delete(await session.get_one(Account, UUID(person.id)))
    assert (await client.get(ME, headers=person.headers)).status_code == 401


def _b64(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.skipif(os.environ.get("MADANG_TEST_DATABASE") != "postgresql", reason="needs a PostgreSQL server")
async def test_people_are_known_again_after_the_database_dropped_its_connections(
    client: httpx2.AsyncClient, backends: Backends
) -> None:
    person = await make_user(client)
    await asyncio.gather(*(client.get(ME, headers=person.headers) for _ in range(8)))
    async with backends.database.unit() as session:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        await session.execute(text(f"{others} AND pid <> pg_backend_pid()"))
    statuses = [(await client.get(ME, headers=person.headers)).status_code for _ in range(20)]
    assert set(statuses) <= {200, 503}
    assert statuses[-10:] == [200] * 10
