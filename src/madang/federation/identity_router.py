"""One's own linked identities. `{identity}` is an id, or a provider's name where a new one is linked: one name for
both, since an API document tells paths apart by their shape alone."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from madang.federation.authorization_service import STATE_TTL, Wish
from madang.federation.deps import Authorization, Federation
from madang.federation.schemas import IdentityView, LinkingBegun
from madang.http.caller import FreshUser, SessionUser, requires
from madang.http.cookies import oidc_cookie_name, set_oidc_cookie
from madang.http.limits import limited_by_address
from madang.http.paging import Page
from madang.http.state import App

router = APIRouter(prefix="/api/v1/accounts/me/identities", tags=["federation"])


@router.get("", dependencies=[requires("profile")], summary="The identities that open one's account")
async def identities(user: SessionUser, federation: Federation) -> Page[IdentityView]:
    items = [IdentityView.model_validate(one) for one in await federation.of_account(user.id)]
    return Page(items=items, next_cursor=None)


@router.post(
    "/{identity}",
    dependencies=[requires("profile"), limited_by_address("sign_in_address")],
    summary="Begin to link an identity",
)
async def link(
    identity: Annotated[str, Path(description="the name of a provider")],
    request: Request,
    response: Response,
    app: App,
    user: FreshUser,
    authorization: Authorization,
    next: Annotated[str | None, Query(description="a path here, or an address of the front end")] = None,  # noqa: A002 - the contract's name
) -> LinkingBegun:
    browser = request.cookies.get(oidc_cookie_name(app.settings))
    wish = Wish(next, account_id=user.id, session_id=user.session_id)
    begun = await authorization.begin(identity, browser, wish)
    set_oidc_cookie(response, app.settings, begun.browser, int(STATE_TTL.total_seconds()))
    return LinkingBegun(authorization_url=begun.url)


@router.delete("/{identity}", status_code=204, dependencies=[requires("profile")], summary="Unlink an identity")
async def unlink(identity: UUID, user: FreshUser, federation: Federation) -> None:
    await federation.unlink(user.id, identity)
