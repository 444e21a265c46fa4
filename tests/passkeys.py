"""People with passkeys, and the calls that use them."""

from collections.abc import Mapping
from typing import Any

import httpx2

from tests.factories import PASSWORD, SignedIn, make_user
from tests.peers.authenticator import Authenticator

ACCOUNTS = "/api/v1/accounts"
PASSKEYS, MFA, TOKEN, ME = f"{ACCOUNTS}/passkeys", f"{ACCOUNTS}/mfa", f"{ACCOUNTS}/token", f"{ACCOUNTS}/me"
LOGIN, VERIFY = f"{PASSKEYS}/login", f"{PASSKEYS}/verify"
Answer = httpx2.Response


async def options(client: httpx2.AsyncClient, path: str, headers: Mapping[str, str], **body: Any) -> dict[str, Any]:
    asked = await client.post(f"{path}/options", headers=dict(headers), json=body if path == LOGIN else None)
    assert asked.status_code == 200, asked.text
    given: dict[str, Any] = asked.json()
    return given


async def enrol(client: httpx2.AsyncClient, person: SignedIn, device: Authenticator, name: str = "Laptop") -> Answer:
    made = device.create(await options(client, PASSKEYS, person.headers))
    return await client.post(PASSKEYS, json={"credential": made, "name": name}, headers=person.headers)


async def with_passkey(client: httpx2.AsyncClient, **device: Any) -> tuple[SignedIn, Authenticator]:
    """Somebody with a passkey on a device of their own."""
    person, authenticator = await make_user(client), Authenticator(**device)
    added = await enrol(client, person, authenticator)
    assert added.status_code == 201, added.text
    return person, authenticator


async def log_in(client: httpx2.AsyncClient, credential: Any, **more: Any) -> Answer:
    answer = await client.post(LOGIN, json={"credential": credential, **more})
    client.cookies.clear()
    return answer


async def way_in(client: httpx2.AsyncClient, device: Authenticator, **more: Any) -> Answer:
    return await log_in(client, device.get(await options(client, LOGIN, {})), **more)


async def mfa_token(client: httpx2.AsyncClient, person: SignedIn) -> str:
    asked = await client.post(TOKEN, data={"username": person.account_id, "password": PASSWORD})
    assert asked.status_code == 403, asked.text
    token: str = asked.json()["mfa_token"]
    return token


async def second_factor(client: httpx2.AsyncClient, person: SignedIn, device: Authenticator) -> Answer:
    token = await mfa_token(client, person)
    answer = device.get(await options(client, LOGIN, {}, mfa_token=token))
    return await log_in(client, answer, mfa_token=token)


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
