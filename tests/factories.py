"""People for tests, made through the front door."""

import itertools
from dataclasses import dataclass

import httpx2

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class SignedIn:
    """An account that is signed in: its ids and its headers."""

    id: str
    account_id: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


async def make_user(client: httpx2.AsyncClient, account_id: str | None = None) -> SignedIn:
    """Sign up and sign in; leaves no cookie in the client."""
    account_id = account_id or f"person_{next(_numbers)}"
    created = await client.post("/api/v1/accounts", json={"account_id": account_id, "password": PASSWORD})
    assert created.status_code == 201, created.text
    return await sign_in(client, account_id)


async def sign_in(client: httpx2.AsyncClient, account_id: str) -> SignedIn:
    form = {"username": account_id, "password": PASSWORD, "scope": "profile chat captions media offline_access"}
    answer = await client.post("/api/v1/accounts/token", data=form)
    assert answer.status_code == 200, answer.text
    client.cookies.clear()
    tokens = answer.json()
    me = await client.get("/api/v1/accounts/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    return SignedIn(me.json()["id"], account_id, tokens["access_token"], tokens["refresh_token"])
