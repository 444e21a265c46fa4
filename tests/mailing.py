"""People with addresses, and the calls that mail them."""

from typing import Any

import httpx2

from tests.factories import PASSWORD, SignedIn, sign_in
from tests.inboxes import Inbox, Letter

ACCOUNTS = "/api/v1/accounts"
TOKEN, FORGOT, RESET = f"{ACCOUNTS}/token", f"{ACCOUNTS}/password/forgot", f"{ACCOUNTS}/password/reset"
VERIFICATION, VERIFY = f"{ACCOUNTS}/email/verification", f"{ACCOUNTS}/email/verify"
NEW = "a quite different sentence"
JISOO = "jisoo@example.com"


async def sign_up(client: httpx2.AsyncClient, account_id: str, email: str, **more: Any) -> httpx2.Response:
    body = {"account_id": account_id, "password": PASSWORD, "email": email, **more}
    return await client.post(ACCOUNTS, json=body)


async def with_address(client: httpx2.AsyncClient, inbox: Inbox, account_id: str, email: str) -> SignedIn:
    """Somebody whose address is proven."""
    assert (await sign_up(client, account_id, email)).status_code == 201
    letter = await inbox.wait(email)
    assert (await client.post(VERIFY, json={"code": letter.code})).status_code == 200
    return await sign_in(client, account_id)


async def ask_to_reset(client: httpx2.AsyncClient, inbox: Inbox, email: str = JISOO, count: int = 1) -> Letter:
    assert (await client.post(FORGOT, json={"email": email})).status_code == 202
    return await inbox.wait(email, count, "Choose a new password")


async def reset(client: httpx2.AsyncClient, code: str, new: str = NEW) -> httpx2.Response:
    return await client.post(RESET, json={"code": code, "new_password": new})


async def token_status(client: httpx2.AsyncClient, name: str, password: str) -> int:
    answer = await client.post(TOKEN, data={"username": name, "password": password})
    client.cookies.clear()
    return answer.status_code
