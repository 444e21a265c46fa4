"""What is no access token of ours, and what a valid one says."""

import asyncio
import base64
import hmac
import json
import os
import socket
import time
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey
from sqlalchemy import text
from tests.factories import SignedIn, forged, make_user

from madang.backends import Backends
from madang.kit.access_token import AccessTokens
from madang.kit.ids import new_id
from madang.kit.token_keys import ALGORITHMS, Algorithm, TokenKey, new_jwk

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
        {"alg": "EdDSA", "typ": typ, "kid": kid},
        {k: v for k, v in made.items() if v is not None},
        key,
        algorithms=["EdDSA"],
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
    jwk = new_jwk("EdDSA")
    tokens = AccessTokens([TokenKey("k1", "EdDSA", jwk)], ISSUER, timedelta(minutes=15))
    key = OKPKey.import_key(json.loads(jwk))
    assert tokens.read(signed(key, "k1")) is not None
    assert tokens.read(signed(key, "k1", typ, **changes)) is None


def test_times_are_compared_on_every_use_of_a_remembered_token() -> None:
    tokens = AccessTokens([TokenKey("k1", "EdDSA", new_jwk("EdDSA"))], ISSUER, timedelta(minutes=15))
    made, life = tokens.issue(subject=new_id(), session_id=new_id(), scopes="chat", authenticated_at=0, methods=["pwd"])
    first = tokens.read(made)
    assert first is tokens.read(made)
    assert first is not None
    assert first.is_live(time.time())
    assert not first.is_live(time.time() + life + 1)
    assert not first.is_live(time.time() - 5)


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' OR 1=1 --", "k" * 10_000, ""])
async def test_a_hostile_kid_is_a_plain_401(client: httpx2.AsyncClient, kid: str) -> None:
    foreign = signed(OKPKey.generate_key("Ed25519"), kid)
    answer = await client.get(ME, headers={"Authorization": f"Bearer {foreign}"})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_algorithm_confusion_fails(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    header, claims = header_of(person.access_token), claims_of(person.access_token)
    none = f"{_b64({**header, 'alg': 'none'})}.{_b64(claims)}."
    secret = OctKey.import_key("x" * 32)
    hs256 = jwt.encode({**header, "alg": "HS256"}, claims, secret, algorithms=["HS256"])
    for token in (none, hs256, forged(person.access_token), "rubbish"):
        assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code == 401, token[:20]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_key_signs_and_verifies_with_its_own_algorithm_alone(algorithm: Algorithm) -> None:
    keys = [TokenKey(name, name, new_jwk(name), signs_from=name == algorithm) for name in ALGORITHMS]
    tokens = AccessTokens(keys, ISSUER, timedelta(minutes=15))
    made, _ = tokens.issue(subject=new_id(), session_id=new_id(), scopes="", authenticated_at=0, methods=["pwd"])
    assert (header_of(made)["alg"], header_of(made)["kid"]) == (algorithm, algorithm)
    assert tokens.read(made) is not None
    signing = next(key for key in keys if key.id == algorithm)
    for other in ALGORITHMS:
        if other != algorithm:
            header = {"alg": algorithm, "typ": "at+jwt", "kid": other}
            assert tokens.read(jwt.encode(header, claims_of(made), signing.key, algorithms=[algorithm])) is None


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_a_public_key_is_no_shared_secret(algorithm: Algorithm, form: str) -> None:
    key = TokenKey("k1", algorithm, new_jwk(algorithm))
    tokens = AccessTokens([key], ISSUER, timedelta(minutes=15))
    made, _ = tokens.issue(subject=new_id(), session_id=new_id(), scopes="", authenticated_at=0, methods=["pwd"])
    public = json.dumps(key.public_jwk()).encode()
    if form == "pem":
        assert not isinstance(key.key, OctKey)
        public = key.key.as_pem(private=False)
    signing = f"{_b64({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'k1'})}.{_b64(claims_of(made))}"
    mac = hmac.digest(public, signing.encode(), "sha256")
    mimic = f"{signing}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert tokens.read(mimic) is None


@pytest.mark.parametrize("brought", ["jwk", "jku", "x5u", "crit"])
async def test_a_key_that_a_token_brings_along_is_never_looked_at(client: httpx2.AsyncClient, brought: str) -> None:
    person = await make_user(client)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        own, url = OKPKey.generate_key("Ed25519"), f"http://127.0.0.1:{listener.getsockname()[1]}/jwks.json"
        value: object = {"jwk": own.as_dict(private=False), "crit": ["b64"]}.get(brought, url)
        header = {**header_of(person.access_token), brought: value, **({"b64": True} if brought == "crit" else {})}
        signing = f"{_b64(header)}.{_b64(claims_of(person.access_token))}"
        private = Ed25519PrivateKey.from_private_bytes(
            base64.urlsafe_b64decode(str(own.as_dict(private=True)["d"]) + "==")
        )
        signature = base64.urlsafe_b64encode(private.sign(signing.encode())).rstrip(b"=").decode()
        refused = await client.get(ME, headers={"Authorization": f"Bearer {signing}.{signature}"})
        assert refused.status_code == 401
        with pytest.raises(TimeoutError):
            listener.accept()


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
