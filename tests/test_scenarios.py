"""Four days that people dread, from the first call to the last: with a real mail server in a process of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from madang.settings import Settings
from tests.factories import PASSWORD, sign_in
from tests.factors.enrolling import MFA, answer, enrol
from tests.inboxes import Inbox, mail_server
from tests.mailing import FORGOT, JISOO, NEW, TOKEN, reset, token_status, with_address
from tests.servers import visiting

ME, SESSIONS, REFRESH = "/api/v1/accounts/me", "/api/v1/sessions", "/api/v1/accounts/refresh"


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with mail_server(tmp_path / "mail") as running:
        yield running


@pytest.fixture
async def client(settings: Settings, inbox: Inbox) -> AsyncIterator[httpx2.AsyncClient]:
    async with visiting(settings, mail_url=inbox.url) as opened:
        yield opened


async def password_step(client: httpx2.AsyncClient, password: str = PASSWORD) -> str:
    """The token that the second factor completes."""
    refused = await client.post(TOKEN, data={"username": JISOO, "password": password})
    assert (refused.status_code, refused.json()["error"]) == (403, "mfa_required")
    token: str = refused.json()["mfa_token"]
    return token


async def test_a_lost_phone(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    """A recovery code lets the owner in, the old app goes, a new one comes, and whoever found the phone has nothing."""
    laptop = await with_address(client, inbox, "jisoo", JISOO)
    lost = await enrol(client, laptop)
    on_the_phone = await answer(client, await password_step(client), lost.code())
    phone = {"Authorization": f"Bearer {on_the_phone.json()['access_token']}"}
    client.cookies.clear()

    new = await answer(client, await password_step(client), lost.recovery_codes[0])
    assert new.status_code == 200
    owner = {"Authorization": f"Bearer {new.json()['access_token']}"}
    client.cookies.clear()
    assert (await client.delete(SESSIONS, headers=owner)).status_code == 204
    assert (await client.get(ME, headers=phone)).status_code == 401, "the phone's session ended"
    assert (await client.delete(f"{MFA}/totp", headers=owner)).status_code == 204
    await inbox.wait(JISOO, 1, "second factor was removed")

    back = await sign_in(client, "jisoo")
    renewed = (await enrol(client, back)).recovery_codes
    challenge = await password_step(client)
    assert (await answer(client, challenge, lost.code())).status_code == 400, "the old app opens nothing"
    assert (await answer(client, challenge, lost.recovery_codes[1])).status_code == 400, "nor do the old recovery codes"
    assert (await answer(client, challenge, renewed[0])).status_code == 200


async def test_a_lost_password(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    """The mailed code sets a new password once, ends all sessions, and the second factor is still asked for."""
    open_tab = await with_address(client, inbox, "jisoo", JISOO)
    app = await enrol(client, open_tab)
    for _ in range(10):
        await client.post(TOKEN, data={"username": JISOO, "password": "what was it"})
    assert (await client.post(FORGOT, json={"email": JISOO})).status_code == 202
    code = (await inbox.wait(JISOO, 1, "Choose a new password")).code

    refused = await reset(client, code, "password123")
    assert refused.status_code == 422, "a common password is refused, and the code is still good"
    assert (await reset(client, code)).status_code == 204
    assert (await reset(client, code, "yet another sentence")).status_code == 422, "it was good once"
    assert (await client.get(ME, headers=open_tab.headers)).status_code == 401
    await inbox.wait(JISOO, 1, "password was reset")

    assert await token_status(client, JISOO, PASSWORD) == 400
    signed_in = await answer(client, await password_step(client, NEW), app.code())
    assert signed_in.status_code == 200, "at once: the failed guesses are forgotten"


async def test_two_laptops(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    """Each has a session of its own; the owner sees both, hears of the second, and ends it from the first."""
    await with_address(client, inbox, "jisoo", JISOO)
    client.headers["User-Agent"] = "Laptop at home"
    home = await sign_in(client, "jisoo")
    client.headers["User-Agent"] = "Laptop at work"
    work = await sign_in(client, "jisoo")
    await inbox.wait(JISOO, 2, "new device")

    listed = (await client.get(SESSIONS, headers=home.headers)).json()["items"]
    shown = {one["user_agent"]: one for one in listed}
    assert shown["Laptop at home"]["current"] is True
    assert shown["Laptop at work"]["current"] is False
    assert (shown["Laptop at work"]["method"], shown["Laptop at work"]["ip"]) == ("pwd", "127.0.0.1")
    refreshed = await client.post(REFRESH, json={"refresh_token": work.refresh_token})
    client.cookies.clear()
    ended = await client.delete(f"{SESSIONS}/{shown['Laptop at work']['id']}", headers=home.headers)
    assert ended.status_code == 204
    for token in (work.access_token, refreshed.json()["access_token"]):
        assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code == 401
    again = await client.post(REFRESH, json={"refresh_token": refreshed.json()["refresh_token"]})
    assert again.json()["error"] == "invalid_grant"
    assert (await client.get(ME, headers=home.headers)).status_code == 200


async def test_a_stolen_refresh_token(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    """Whoever comes second shows the theft: the family ends for both, the owner is told, other sessions go on."""
    owner = await with_address(client, inbox, "jisoo", JISOO)
    elsewhere = await sign_in(client, "jisoo")
    stolen = owner.refresh_token
    live = stolen
    for _ in range(2):
        moved = await client.post(REFRESH, json={"refresh_token": live})
        client.cookies.clear()
        live = moved.json()["refresh_token"]
    access = {"Authorization": f"Bearer {moved.json()['access_token']}"}
    late = await client.post(REFRESH, json={"refresh_token": stolen})
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")
    assert (await client.post(REFRESH, json={"refresh_token": live})).status_code == 400
    assert (await client.get(ME, headers=access)).status_code == 401, "access tokens of the family die with it"
    letter = await inbox.wait(JISOO, 1, "ended for safety")
    assert "127.0.0.1" in letter.text
    assert (await client.get(ME, headers=elsewhere.headers)).status_code == 200
    assert (await sign_in(client, "jisoo")).access_token
