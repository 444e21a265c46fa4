"""What others read about our tokens, and how a token is given back (RFC 7517, 8414, 7009)."""

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from tests.factories import forged, make_user

REVOKE = "/oauth/revoke"


async def test_a_stranger_can_verify_a_token_by_the_published_keys(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    published = await client.get("/.well-known/jwks.json")
    assert published.headers["cache-control"] == "public, max-age=300"
    assert all("d" not in key for key in published.json()["keys"]), "no private half"
    token = jwt.decode(person.access_token, KeySet.import_key_set(published.json()), algorithms=["EdDSA"])
    assert token.header["kid"] in {key["kid"] for key in published.json()["keys"]}
    assert token.claims["sub"] == person.id


async def test_the_metadata_name_what_answers_and_offer_no_password_grant(client: httpx2.AsyncClient) -> None:
    told = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert "password" not in told["grant_types_supported"]
    for name in ("token_endpoint", "revocation_endpoint", "jwks_uri"):
        assert told[name].startswith(told["issuer"] + "/")
    keys = await client.get(told["jwks_uri"].removeprefix(told["issuer"]))
    assert keys.status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
async def test_a_revoked_token_ends_its_session_whatever_the_hint(
    client: httpx2.AsyncClient, kind: str, hint: str | None
) -> None:
    person, other = await make_user(client), await make_user(client)
    form = {"token": getattr(person, kind), **({"token_type_hint": hint} if hint else {})}
    for _ in range(2):
        answer = await client.post(REVOKE, data=form)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert (await client.get("/api/v1/accounts/me", headers=person.headers)).status_code == 401
    refreshed = await client.post("/api/v1/accounts/refresh", json={"refresh_token": person.refresh_token})
    assert refreshed.json()["error"] == "invalid_grant"
    assert (await client.get("/api/v1/accounts/me", headers=other.headers)).status_code == 200


async def test_a_token_that_proves_nothing_ends_nothing(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    last = "A" if person.refresh_token[-1] != "A" else "B"
    for wrong in ("rubbish", forged(person.access_token), person.refresh_token[:-1] + last):
        assert (await client.post(REVOKE, data={"token": wrong})).status_code == 200
    assert (await client.get("/api/v1/accounts/me", headers=person.headers)).status_code == 200


async def test_revoking_nothing_is_an_invalid_request(client: httpx2.AsyncClient) -> None:
    answer = await client.post(REVOKE, data={})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
