"""People for tests, made through the front door."""

import itertools
from dataclasses import dataclass

import httpx2

from madang.kit.scopes import ALL_SCOPES
from madang.kit.secrets import Keyring
from madang.sessions.deps import setup_code

PASSWORD = "correct horse battery staple"
SECRET = "0123456789abcdef" * 4
_numbers = itertools.count(1)


@dataclass(frozen=True)
class SignedIn:
    """An account that is signed in: its ids and its headers."""

    id: str
    account_id: str
    access_token: str
    refresh_token: str
    scope: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


def forged(token: str) -> str:
    """The same access token under another signature; its last characters may well stand for bits that are zero."""
    head, payload, signature = token.split(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return f"{head}.{payload}.{signature[:middle]}{other}{signature[middle + 1 :]}"


async def make_user(client: httpx2.AsyncClient, account_id: str | None = None) -> SignedIn:
    """Sign up and sign in; leaves no cookie in the client."""
    account_id = account_id or f"person_{next(_numbers)}"
    created = await client.post("/api/v1/accounts", json={"account_id": account_id, "password": PASSWORD})
    assert created.status_code == 201, created.text
    return await sign_in(client, account_id)


async def make_admin(client: httpx2.AsyncClient) -> SignedIn:
    """The first administrator, signed in with all that the role reaches."""
    body = {"code": setup_code(Keyring([SECRET])), "account_id": "admin", "password": PASSWORD}
    created = await client.post("/api/v1/setup", json=body)
    assert created.status_code == 201, created.text
    return await sign_in(client, "admin", " ".join(ALL_SCOPES))


async def sign_in(
    client: httpx2.AsyncClient, account_id: str, scope: str = "profile chat captions media keys offline_access"
) -> SignedIn:
    form = {"username": account_id, "password": PASSWORD, "scope": scope}
    answer = await client.post("/api/v1/accounts/token", data=form)
    assert answer.status_code == 200, answer.text
    client.cookies.clear()
    tokens = answer.json()
    me = await client.get("/api/v1/accounts/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    return SignedIn(me.json()["id"], account_id, tokens["access_token"], tokens["refresh_token"], tokens["scope"])
