"""People, one at a time: for administrators, and for oneself."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from madang.accounts.schemas import InvitedAccount
from madang.admin.deps import Users, UsersReading
from madang.admin.errors import AdministratorsOnly
from madang.admin.schemas import EndedSessions, Restoration, UserPatch, UserView
from madang.http.caller import CurrentUser, SelfOrAdmin, ensure_fresh, requires, session_user
from madang.sessions.deps import mail_is_on

router = APIRouter(prefix="/api/v1/users", tags=["people"])
_ADMIN = requires("admin:users")
_OWN = frozenset({"name", "language", "time_zone"})


@router.post("", status_code=201, dependencies=[_ADMIN, mail_is_on], summary="Invite somebody by mail")
async def invite(body: InvitedAccount, user: CurrentUser, users: Users) -> UserView:
    """No password is set: its owner chooses one with the mailed link, within seven days."""
    return await users.invite(body, user.reach)


@router.get("/{user_id}", response_model=UserView, summary="Somebody, or oneself")
async def show(user_id: UUID, _: SelfOrAdmin, users: UsersReading) -> Response:
    return Response(await users.one(user_id), media_type="application/json")


@router.patch("/{user_id}", summary="Change somebody, or one's own profile")
async def change(user_id: UUID, body: UserPatch, user: SelfOrAdmin, users: Users) -> UserView:
    """A role, or being disabled, holds from their next request on, on every server."""
    if "admin:users" not in user.scopes:
        for field in sorted(body.model_fields_set - _OWN):
            raise AdministratorsOnly(field=field)
    return await users.change(user_id, body, user.reach)


@router.delete("/{user_id}", status_code=204, summary="Delete somebody, or leave")
async def delete(user_id: UUID, user: SelfOrAdmin, users: Users, request: Request) -> None:
    """The id and the address are free at once, the rest is erased after the grace time; to leave, sign in freshly."""
    if user_id == user.id:
        ensure_fresh(request, await session_user(request))
    await users.delete(user_id, user.reach)


@router.post("/{user_id}/restore", dependencies=[_ADMIN], summary="Take a deletion back")
async def restore(user_id: UUID, user: CurrentUser, users: Users, body: Restoration | None = None) -> UserView:
    return await users.restore(user_id, body.account_id if body else None, user.reach)


@router.delete("/{user_id}/sessions", dependencies=[_ADMIN], summary="End all their sessions")
async def end_sessions(user_id: UUID, user: CurrentUser, users: Users) -> EndedSessions:
    return EndedSessions(sessions_ended=await users.end_sessions(user_id, user.reach))


@router.post(
    "/{user_id}/password-reset",
    status_code=202,
    dependencies=[_ADMIN, mail_is_on],
    summary="Mail them a code to choose a new password",
)
async def reset_password(user_id: UUID, user: CurrentUser, users: Users) -> None:
    """The code goes to the owner alone; the former password works until they choose another one."""
    await users.reset_password(user_id, user.reach)
