"""One's own password: proving it again, changing it, and choosing a new one by a mailed code."""

from fastapi import APIRouter

from madang.http.caller import SessionUser
from madang.http.limits import limited_by_address
from madang.sessions.deps import Passwords, mail_is_on
from madang.sessions.schemas import Forgotten, NewPassword, PasswordChange, PasswordProof, Verified

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])


@router.post("/verify_password", summary="Prove one's password again, which makes the session fresh")
async def verify_password(body: PasswordProof, user: SessionUser, passwords: Passwords) -> Verified:
    await passwords.verify(user.id, user.session_id, body.password)
    return Verified(verified=True)


@router.put("/password", status_code=204, summary="Change one's password; ends all other sessions")
async def change_password(body: PasswordChange, user: SessionUser, passwords: Passwords) -> None:
    await passwords.change(user.id, user.session_id, body.old_password, body.new_password)


@router.post(
    "/password/forgot",
    status_code=202,
    dependencies=[limited_by_address("mail"), mail_is_on],
    summary="Have a code to choose a new password mailed",
)
async def forgot_password(body: Forgotten, passwords: Passwords) -> None:
    """The answer is the same whether an account has proven this address or not."""
    await passwords.request_reset(body.email)


@router.post("/password/reset", status_code=204, summary="Choose a new password by a mailed code; ends all sessions")
async def reset_password(body: NewPassword, passwords: Passwords) -> None:
    await passwords.reset(body.code, body.new_password)
