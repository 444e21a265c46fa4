"""Signing in with another provider. Browsers come and go here by redirects; no token is ever in an address's query."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from madang.federation.authorization_service import LINK, STATE_TTL, AuthorizationService, Returned, Wish
from madang.federation.deps import Authorization, Federation
from madang.federation.errors import RETURNED, ProviderAway, UnknownState, UnprovenIdentity
from madang.federation.models import OidcState
from madang.federation.schemas import ProviderView
from madang.federation.service import FactorAwaited, FederationService, SignedIn
from madang.http.cookies import oidc_cookie_name, set_oidc_cookie
from madang.http.limits import limited_by_address
from madang.http.sign_in_page import failed_page
from madang.http.state import App, Running
from madang.kit.urls import SIGNED_IN_PAGE
from madang.sessions.authentication_service import AuthenticationService
from madang.sessions.deps import Authentication, grant

SEE_OTHER = 303
router = APIRouter(prefix="/api/v1/auth", tags=["federation"])


@router.get("/providers", summary="The providers that people can sign in with")
async def providers(app: App) -> list[ProviderView]:
    return [ProviderView.model_validate(one) for one in app.backends.identity_providers.values()]


@router.get(
    "/{provider}/login",
    status_code=SEE_OTHER,
    response_class=RedirectResponse,
    dependencies=[limited_by_address("sign_in_address")],
    summary="Send the browser to a provider",
)
async def login(
    provider: str,
    request: Request,
    app: App,
    authorization: Authorization,
    next: Annotated[str | None, Query(description="a path here, or an address of the front end")] = None,  # noqa: A002 - the contract's name
    fresh: Annotated[bool, Query(description="ask the provider to authenticate the person again")] = False,
) -> RedirectResponse:
    try:
        begun = await authorization.begin(provider, _browser(request, app), Wish(next, fresh))
    except ProviderAway as problem:
        return _to_page(app, error=problem.code, provider=provider)
    response = RedirectResponse(begun.url, SEE_OTHER)
    set_oidc_cookie(response, app.settings, begun.browser, int(STATE_TTL.total_seconds()))
    return response


@router.get(
    "/{provider}/callback",
    status_code=SEE_OTHER,
    response_class=RedirectResponse,
    summary="Where a provider sends the browser back to",
)
async def callback(
    provider: str,
    request: Request,
    app: App,
    authorization: Authorization,
    federation: Federation,
    authentication: Authentication,
    state: str | None = None,
    code: str | None = None,
    error: str | None = None,
    iss: str | None = None,
) -> Response:
    returned = Returned(state, code, error, iss)
    try:
        begun, has_more = await authorization.use_state(provider, returned, _browser(request, app))
        response = await _answer(begun, returned, app, authorization, federation, authentication)
    except (UnknownState, UnprovenIdentity) as problem:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return failed_page(problem.status)
    if not has_more:
        set_oidc_cookie(response, app.settings, "", 0)
    return response


async def _answer(
    begun: OidcState,
    returned: Returned,
    app: Running,
    authorization: AuthorizationService,
    federation: FederationService,
    authentication: AuthenticationService,
) -> RedirectResponse:
    try:
        outcome = await _settle(begun, returned, authorization, federation)
    except RETURNED as problem:
        return _to_page(app, error=problem.code, provider=begun.provider)
    response = _back(app, begun, outcome)
    if isinstance(outcome, SignedIn):
        grant(response, app, authentication, outcome.started, outcome.refresh_token)
    return response


async def _settle(
    begun: OidcState, returned: Returned, authorization: AuthorizationService, federation: FederationService
) -> SignedIn | FactorAwaited | None:
    claims = await authorization.prove(begun, returned)
    if begun.purpose != LINK:
        return await federation.sign_in(begun.provider, claims)
    assert begun.account_id is not None and begun.session_id is not None  # noqa: S101, PT018 - a link has both
    await federation.link(begun.provider, claims, begun.account_id, begun.session_id)
    return None


def _browser(request: Request, app: Running) -> str | None:
    return request.cookies.get(oidc_cookie_name(app.settings))


def _back(app: Running, begun: OidcState, outcome: SignedIn | FactorAwaited | None) -> RedirectResponse:
    """To where the sign-in was to lead; a token that waits for a second factor goes in the fragment, which browsers
    send nowhere."""
    if isinstance(outcome, FactorAwaited):
        fragment = {"mfa_token": outcome.mfa_token, "methods": " ".join(outcome.methods)}
        fragment |= {"next": begun.next} if begun.next else {}
        return _to_page(app, fragment, error="mfa-required", provider=begun.provider)
    if begun.next is not None:
        return RedirectResponse(begun.next, SEE_OTHER)
    return _to_page(app, success="true")


def _to_page(app: Running, fragment: dict[str, str] | None = None, **query: str) -> RedirectResponse:
    page = (app.settings.frontend_url or app.settings.site) + SIGNED_IN_PAGE
    hidden = f"#{urlencode(fragment)}" if fragment else ""
    return RedirectResponse(f"{page}?{urlencode(query)}{hidden}", SEE_OTHER)
