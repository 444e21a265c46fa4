"""The token endpoint, refresh and sign-out: errors after RFC 6749 §5.2."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from madang.http.caller import credential
from madang.http.cookies import access_cookie_name, clear_session_cookies, refresh_cookie_name
from madang.http.oauth import OAuthRoute
from madang.http.problems import InvalidRequest
from madang.http.state import App, Running, running
from madang.kit.schemas import WithoutNul
from madang.sessions.deps import Authentication, Rotation, Sessions, SignIn, grant
from madang.sessions.errors import NoRefreshToken, UnsupportedGrant
from madang.sessions.rotation_service import parse_refresh_token, readable_refresh_tokens
from madang.sessions.schemas import SignedOut, TokenView

MFA_GRANT = "urn:madang:mfa"
router = APIRouter(prefix="/api/v1/accounts", tags=["sessions"], route_class=OAuthRoute)


async def _single_parameters(request: Request) -> None:
    """A parameter that comes twice makes the request invalid (RFC 6749 §3.2)."""
    names = [name for name, _ in (await request.form()).multi_items()]
    if len(names) != len(set(names)):
        raise InvalidRequest(reason="a parameter was repeated")


async def _presented(request: Request) -> str | None:
    """A refresh token from the form, the JSON body or the cookie, in this order."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    given: Any = None
    if kind == "application/json" and await request.body():
        given = await _json_member(request)
    elif kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        given = (await request.form()).get("refresh_token")
    token = given or request.cookies.get(refresh_cookie_name(running(request).settings))
    if token is not None and not isinstance(token, str):
        raise InvalidRequest(reason="refresh_token must be a string")
    return token


async def _json_member(request: Request) -> Any:
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise InvalidRequest(reason="the body is not JSON") from None
    return body.get("refresh_token") if isinstance(body, dict) else None


Presented = Annotated[str | None, Depends(_presented)]


@router.post(
    "/token",
    dependencies=[Depends(_single_parameters)],
    response_model_exclude_none=True,
    summary="OAuth2 token endpoint: sign in, or refresh",
)
async def token(
    response: Response,
    app: App,
    sign_in: SignIn,
    rotation: Rotation,
    authentication: Authentication,
    grant_type: Annotated[str, Form()] = "password",
    username: Annotated[str | None, Form(max_length=320), WithoutNul] = None,
    password: Annotated[str | None, Form(max_length=1024)] = None,
    scope: Annotated[str | None, Form(max_length=400)] = None,
    refresh_token: Annotated[str | None, Form(max_length=1024)] = None,
    mfa_token: Annotated[str | None, Form(max_length=200)] = None,
    code: Annotated[str | None, Form(max_length=64)] = None,
) -> TokenView:
    if grant_type == "refresh_token":
        if refresh_token is None:
            raise NoRefreshToken
        started, live = await rotation.rotate(parse_refresh_token(refresh_token))
    elif grant_type == MFA_GRANT:
        if mfa_token is None or code is None:
            raise InvalidRequest(reason="missing: mfa_token or code")
        started, live = await sign_in.prove_factor(mfa_token, code)
    elif grant_type != "password":
        raise UnsupportedGrant
    elif username is None or password is None:
        raise InvalidRequest(reason="missing: username or password")
    else:
        started, live = await sign_in.sign_in(username, password, scope)
    return grant(response, app, authentication, started, live)


@router.post("/refresh", response_model_exclude_none=True, summary="A new pair for a refresh token")
async def refresh(
    response: Response, app: App, presented: Presented, rotation: Rotation, authentication: Authentication
) -> TokenView:
    if presented is None:
        raise NoRefreshToken
    started, live = await rotation.rotate(parse_refresh_token(presented))
    return grant(response, app, authentication, started, live)


@router.delete("/logout", summary="End the session of every credential presented")
async def logout(
    request: Request,
    response: Response,
    app: App,
    presented: Presented,
    sessions: Sessions,
    authentication: Authentication,
) -> SignedOut:
    named = {authentication.session_of(one) for one in _access_tokens(request, app)} - {None}
    ended = await sessions.sign_out(
        [one for one in named if one], readable_refresh_tokens([presented, credential(request)])
    )
    clear_session_cookies(response, app.settings)
    return SignedOut(sessions_ended=ended)


def _access_tokens(request: Request, app: Running) -> list[str]:
    found = [credential(request), request.cookies.get(access_cookie_name(app.settings))]
    return [token for token in found if token]
