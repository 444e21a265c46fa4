"""Acting for somebody, for support."""

from uuid import UUID

from fastapi import APIRouter, Response

from madang.admin.deps import Impersonating
from madang.admin.schemas import Impersonation, ImpersonationView
from madang.http.caller import FreshUser, requires
from madang.sessions.deps import Authentication

router = APIRouter(prefix="/api/v1/users", tags=["people"])


@router.post(
    "/{user_id}/impersonate",
    status_code=201,
    dependencies=[requires("admin:impersonate")],
    summary="Act for somebody, for an hour at most",
)
async def impersonate(
    user_id: UUID,
    body: Impersonation,
    user: FreshUser,
    impersonating: Impersonating,
    authentication: Authentication,
    response: Response,
) -> ImpersonationView:
    """The token carries `act` (RFC 8693), reaches no administration, keys, credentials or exports; no cookie is set."""
    started = await impersonating.start(user_id, user, body.reason, body.minutes)
    token, _ = authentication.issue(started)
    response.headers["Cache-Control"] = "no-store"
    return ImpersonationView(
        access_token=token, scope=started.scope, session_id=started.id, expires_at=started.expires_at
    )
