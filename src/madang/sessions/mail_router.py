"""Mailed codes. A link in a mail opens the page, which POSTs its token here: a GET or HEAD changes nothing, since mail
scanners open links."""

from fastapi import APIRouter, Depends, Request

from madang.http.caller import CurrentUser, ensure_fresh
from madang.http.limits import limited_by_address, limited_by_person
from madang.http.problems import language_of
from madang.http.state import App
from madang.kit.origin import current_origin
from madang.sessions.deps import Mails
from madang.sessions.errors import MailSwitchedOff
from madang.sessions.schemas import Forgotten, MailCode, NewPassword, Verification, Verified


async def _mail_is_on(request: Request, app: App) -> None:
    """Codes go out in the language of whoever asks, unless the account has one."""
    if app.backends.mail is None:
        raise MailSwitchedOff
    current_origin().language = language_of(request)


router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])
_BY_PERSON = [limited_by_person("mail"), Depends(_mail_is_on)]
_BY_ADDRESS = [limited_by_address("mail"), Depends(_mail_is_on)]


@router.post("/email/verification", status_code=202, dependencies=_BY_PERSON, summary="Have a code mailed")
async def request_verification(request: Request, body: Verification, user: CurrentUser, mails: Mails) -> None:
    """To the address that waits to be proven, or to a new one, which asks for a fresh sign-in."""
    if body.email is not None:
        ensure_fresh(request, user)
    await mails.request_verification(user.id, body.email)


@router.post("/email/verify", summary="Prove an e-mail address by a mailed code, or by the token of the mailed link")
async def verify_email(body: MailCode, mails: Mails) -> Verified:
    await mails.verify(body.code)
    return Verified(verified=True)


@router.post("/password/forgot", status_code=202, dependencies=_BY_ADDRESS, summary="Have a code to reset mailed")
async def forgot_password(body: Forgotten, mails: Mails) -> None:
    """The answer is the same whether an account has proven this address or not."""
    await mails.request_reset(body.email)


@router.post("/password/reset", status_code=204, summary="Choose a new password by a mailed code; ends all sessions")
async def reset_password(body: NewPassword, mails: Mails) -> None:
    await mails.reset(body.code, body.new_password)
