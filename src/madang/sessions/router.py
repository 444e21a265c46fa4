"""Sign-up, the first administrator, and one's own sessions."""

from uuid import UUID

from fastapi import APIRouter

from madang.accounts.schemas import AccountView, NewAccount
from madang.http.caller import SessionUser
from madang.http.limits import limited_by_address
from madang.http.paging import Page
from madang.http.state import App
from madang.sessions.deps import Sessions, SessionsReading, SignIn, setup_code
from madang.sessions.schemas import SessionView, SetUp

router = APIRouter(prefix="/api/v1", tags=["sessions"])


@router.post("/accounts", status_code=201, dependencies=[limited_by_address("sign_up")], summary="Sign up")
async def sign_up(body: NewAccount, sign_in: SignIn) -> AccountView:
    return AccountView.model_validate(await sign_in.sign_up(body))


@router.post(
    "/setup",
    status_code=201,
    dependencies=[limited_by_address("sign_in_address")],
    summary="Make the first administrator",
)
async def set_up(body: SetUp, sign_in: SignIn, app: App) -> AccountView:
    return AccountView.model_validate(await sign_in.set_up(body, setup_code(app.keyring)))


@router.get("/sessions", summary="One's own live sessions, the last used first")
async def list_sessions(user: SessionUser, sessions: SessionsReading) -> Page[SessionView]:
    live = await sessions.live_of(user.id)
    items = [SessionView.model_validate({**vars(one), "current": one.id == user.session_id}) for one in live]
    return Page(items=items, next_cursor=None)


@router.delete("/sessions/{session_id}", status_code=204, summary="End one session")
async def revoke(session_id: UUID, user: SessionUser, sessions: Sessions) -> None:
    await sessions.revoke(user.id, session_id)


@router.delete("/sessions", status_code=204, summary="End all other sessions")
async def revoke_others(user: SessionUser, sessions: Sessions) -> None:
    await sessions.revoke_others(user.id, user.session_id)
