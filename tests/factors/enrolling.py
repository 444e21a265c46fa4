"""People with an authenticator app, and how they sign in."""

import time
from dataclasses import dataclass

import httpx2
import pyotp
from tests.factories import PASSWORD, SignedIn, make_user

MFA = "/api/v1/accounts/mfa"
TOKEN = "/api/v1/accounts/token"


@dataclass(frozen=True)
class Enrolled:
    person: SignedIn
    secret: str
    recovery_codes: list[str]

    def code(self, steps: int = 0) -> str:
        """The code of so many steps from now; the one before was used to enrol."""
        return pyotp.TOTP(self.secret).at(time.time() + steps * 30)


async def enrol(client: httpx2.AsyncClient, person: SignedIn | None = None) -> Enrolled:
    person = person or await make_user(client)
    begun = await client.post(f"{MFA}/totp", headers=person.headers)
    assert begun.status_code == 200, begun.text
    secret = begun.json()["secret"]
    code = {"code": pyotp.TOTP(secret).at(time.time() - 30)}
    confirmed = await client.post(f"{MFA}/totp/confirm", json=code, headers=person.headers)
    assert confirmed.status_code == 200, confirmed.text
    return Enrolled(person, secret, confirmed.json()["recovery_codes"])


async def challenge(client: httpx2.AsyncClient, person: SignedIn) -> httpx2.Response:
    return await client.post(TOKEN, data={"username": person.account_id, "password": PASSWORD})


async def mfa_token(client: httpx2.AsyncClient, enrolled: Enrolled) -> str:
    token: str = (await challenge(client, enrolled.person)).json()["mfa_token"]
    return token


async def answer(client: httpx2.AsyncClient, token: str, code: str) -> httpx2.Response:
    return await client.post(TOKEN, data={"grant_type": "urn:madang:mfa", "mfa_token": token, "code": code})
