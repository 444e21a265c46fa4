"""What clients and other servers read about our tokens: keys, metadata, revocation, introspection."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Response

from madang.http.caller import requires
from madang.http.oauth import OAuthRoute
from madang.kit.scopes import ALL_SCOPES, INTROSPECT
from madang.sessions.deps import Authentication, Introspecting, Sessions
from madang.sessions.rotation_service import readable_refresh_tokens
from madang.sessions.schemas import AuthorizationServer, Introspection, KeySet

router = APIRouter(tags=["sessions"])
oauth = APIRouter(prefix="/oauth", tags=["sessions"], route_class=OAuthRoute)
_FOR_FIVE_MINUTES = "public, max-age=300"


@router.get("/.well-known/jwks.json", summary="The public keys of access tokens (RFC 7517)")
async def keys(response: Response, authentication: Authentication) -> KeySet:
    response.headers["Cache-Control"] = _FOR_FIVE_MINUTES
    return KeySet(keys=authentication.public_keys())


@router.get("/.well-known/oauth-authorization-server", summary="Metadata of the token endpoint (RFC 8414)")
async def metadata(response: Response, authentication: Authentication) -> AuthorizationServer:
    """The password grant is for our own front ends only, so it is not among the grants that are offered."""
    response.headers["Cache-Control"] = _FOR_FIVE_MINUTES
    issuer = authentication.issuer
    return AuthorizationServer(
        issuer=issuer,
        token_endpoint=f"{issuer}/api/v1/accounts/token",
        revocation_endpoint=f"{issuer}/oauth/revoke",
        introspection_endpoint=f"{issuer}/oauth/introspect",
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        scopes_supported=list(ALL_SCOPES),
        service_documentation=f"{issuer}/docs",
    )


@oauth.post("/revoke", response_model=None, summary="End the session of a token (RFC 7009)")
async def revoke_token(
    response: Response,
    sessions: Sessions,
    authentication: Authentication,
    token: Annotated[str, Form(max_length=4096)],
    token_type_hint: Annotated[str | None, Form(max_length=100)] = None,  # noqa: ARG001 - each kind tells itself
) -> Any:
    """Takes access and refresh tokens alike; a token that proves nothing is answered the same and ends nothing."""
    named = authentication.session_of(token)
    await sessions.sign_out([named] if named else [], readable_refresh_tokens([token]))
    response.headers["Cache-Control"] = "no-store"
    return {}


@oauth.post(
    "/introspect",
    dependencies=[requires(INTROSPECT)],
    response_model_exclude_none=True,
    summary="What a token is worth now (RFC 7662)",
)
async def introspect_token(
    response: Response,
    introspecting: Introspecting,
    token: Annotated[str, Form(max_length=4096)],
    token_type_hint: Annotated[str | None, Form(max_length=100)] = None,  # noqa: ARG001 - each kind tells itself
) -> Introspection:
    """For servers that are handed our tokens. Needs a key or token with `tokens:introspect`."""
    response.headers["Cache-Control"] = "no-store"
    return await introspecting.introspect(token)
