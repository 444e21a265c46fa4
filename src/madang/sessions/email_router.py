"""One's e-mail address. A mailed link opens the page, which POSTs its token here: a GET or HEAD changes nothing, since
mail scanners open links."""

from fastapi import APIRouter, Request

from madang.http.caller import SessionUser, ensure_fresh
from madang.http.limits import limited_by_person
from madang.sessions.deps import Emails, mail_is_on
from madang.sessions.schemas import MailCode, Verification, Verified

router = APIRouter(prefix="/api/v1/accounts/email", tags=["accounts"])


@router.post(
    "/verification", status_code=202, dependencies=[limited_by_person("mail"), mail_is_on], summary="Have a code mailed"
)
async def request_verification(request: Request, body: Verification, user: SessionUser, emails: Emails) -> None:
    """To the address that waits to be proven, or to a new one, which asks for a fresh sign-in."""
    if body.email is not None:
        ensure_fresh(request, user)
    await emails.request_proof(user.id, body.email)


@router.post("/verify", summary="Prove an e-mail address by a mailed code, or by the token of the mailed link")
async def verify_email(body: MailCode, emails: Emails) -> Verified:
    await emails.prove(body.code)
    return Verified(verified=True)
