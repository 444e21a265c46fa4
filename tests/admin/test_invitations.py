"""Administrators bring people in and help them back, and never learn or set a password."""

from typing import Any

import httpx2

from madang.settings import Settings
from tests.admin.test_users import USERS, make_helper
from tests.factories import PASSWORD, SignedIn, make_admin, make_user
from tests.inboxes import Inbox
from tests.mailing import JISOO, NEW, reset, token_status, with_address
from tests.servers import visiting

INVITATION = "You are invited to Madang"


async def invite(client: httpx2.AsyncClient, by: SignedIn, **more: Any) -> httpx2.Response:
    body = {"account_id": "jisoo", "email": JISOO, **more}
    return await client.post(USERS, json=body, headers=by.headers)


async def test_the_invited_choose_their_password_with_the_mailed_link(
    mailing: httpx2.AsyncClient, inbox: Inbox
) -> None:
    admin = await make_admin(mailing)
    invited = await invite(mailing, admin, name="Jisoo", language="en")
    assert invited.status_code == 201, invited.text
    assert (invited.json()["email"], invited.json()["role"]) == (None, "Member")
    assert invited.json()["unproven_email"] == JISOO
    letter = await inbox.wait(JISOO, 1, INVITATION)
    assert "jisoo" in letter.text
    assert letter.token
    assert await token_status(mailing, "jisoo", PASSWORD) == 400
    assert (await reset(mailing, letter.token)).status_code == 204
    assert await token_status(mailing, "jisoo", NEW) == 200
    assert await token_status(mailing, JISOO, NEW) == 200, "the address is proven by it"
    assert (await reset(mailing, letter.token, "another long sentence")).json()["code"] == "wrong-mail-code"
    assert len(inbox.letters(JISOO)) == 2, "the invitation and that a password was set, no code to verify beside it"


async def test_an_invitation_is_mailed_again_and_then_only_the_new_one_works(
    mailing: httpx2.AsyncClient, inbox: Inbox
) -> None:
    admin = await make_admin(mailing)
    user_id = (await invite(mailing, admin)).json()["id"]
    first = await inbox.wait(JISOO, 1, INVITATION)
    again = await mailing.post(f"{USERS}/{user_id}/password-reset", headers=admin.headers)
    assert again.status_code == 202
    second = await inbox.wait(JISOO, 2, INVITATION)
    assert (await reset(mailing, first.token)).json()["code"] == "wrong-mail-code"
    assert (await reset(mailing, second.token)).status_code == 204


async def test_a_reset_goes_to_the_owner_and_tells_the_administrator_nothing(
    mailing: httpx2.AsyncClient, inbox: Inbox
) -> None:
    person = await with_address(mailing, inbox, "jisoo", JISOO)
    admin = await make_admin(mailing)
    asked = await mailing.post(f"{USERS}/{person.id}/password-reset", headers=admin.headers)
    assert (asked.status_code, asked.text) == (202, "null")
    assert await token_status(mailing, "jisoo", PASSWORD) == 200, "until the owner has chosen another one"
    letter = await inbox.wait(JISOO, 1, "Choose a new password")
    assert (await reset(mailing, letter.code)).status_code == 204
    assert await token_status(mailing, "jisoo", NEW) == 200
    shown = await mailing.get(f"{USERS}/{person.id}", headers=admin.headers)
    assert "password" not in shown.text
    set_by_admin = await mailing.patch(f"{USERS}/{person.id}", json={"password": "x" * 12}, headers=admin.headers)
    assert set_by_admin.status_code == 422


async def test_whoever_has_no_proven_address_is_not_mailed(mailing: httpx2.AsyncClient) -> None:
    admin, person = await make_admin(mailing), await make_user(mailing)
    refused = await mailing.post(f"{USERS}/{person.id}/password-reset", headers=admin.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "no-proven-email")


async def test_an_address_or_id_that_is_somebodys_is_not_invited(mailing: httpx2.AsyncClient, inbox: Inbox) -> None:
    await with_address(mailing, inbox, "jisoo", JISOO)
    admin = await make_admin(mailing)
    taken = await invite(mailing, admin, account_id="other")
    assert (taken.status_code, taken.json()["code"]) == (409, "email-taken")
    same_id = await invite(mailing, admin, email="other@example.com")
    assert (same_id.status_code, same_id.json()["code"]) == (409, "account-id-taken")


async def test_nobody_is_invited_further_than_one_reaches(mailing: httpx2.AsyncClient) -> None:
    admin = await make_admin(mailing)
    helper = await make_helper(mailing, admin, "admin:users")
    refused = await invite(mailing, helper, role="Admin")
    assert (refused.status_code, refused.json()["code"]) == (403, "beyond-your-role")
    member = await invite(mailing, await make_user(mailing))
    assert (member.status_code, member.json()["code"]) == (403, "insufficient-scope")


async def test_where_no_mail_is_sent_nobody_is_invited(settings: Settings) -> None:
    async with visiting(settings, mail_url="none") as client:
        refused = await invite(client, await make_admin(client))
        assert (refused.status_code, refused.json()["code"]) == (503, "mail-switched-off")
