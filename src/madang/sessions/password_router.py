"""One's own password: proving it again, and changing it."""

from fastapi import APIRouter

from madang.http.caller import CurrentUser
from madang.sessions.deps import Passwords
from madang.sessions.schemas import PasswordChange, PasswordProof, Verified

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])


@router.post("/verify_password", summary="Prove one's password again, which makes the session fresh")
async def verify_password(body: PasswordProof, user: CurrentUser, passwords: Passwords) -> Verified:
    await passwords.verify(user.id, user.session_id, body.password)
    return Verified(verified=True)


@router.put("/password", status_code=204, summary="Change one's password; ends all other sessions")
async def change_password(body: PasswordChange, user: CurrentUser, passwords: Passwords) -> None:
    await passwords.change(user.id, user.session_id, body.old_password, body.new_password)
