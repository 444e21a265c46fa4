"""Signing in by a passkey, completing a sign-in by one, and proving again who one is."""

from fastapi import APIRouter, Response

from madang.factors.schemas import PasskeyOptions
from madang.http.caller import SessionUser
from madang.http.limits import limited_by_address, limited_by_person
from madang.http.state import App
from madang.sessions.deps import Authentication, PasskeyLogin, grant
from madang.sessions.schemas import NewPasskeyLogin, PasskeyProof, PasskeySignIn, TokenView, Verified

router = APIRouter(prefix="/api/v1/accounts/passkeys", tags=["sessions"])


@router.post("/login/options", dependencies=[limited_by_address("passkeys")], summary="Begin to sign in by a passkey")
async def begin_passkey_sign_in(
    passkeys: PasskeyLogin, response: Response, body: NewPasskeyLogin | None = None
) -> PasskeyOptions:
    """What `navigator.credentials.get()` is called with; good for five minutes. With the `mfa_token` of a password
    sign-in the passkey completes it, otherwise it is the way in."""
    response.headers["Cache-Control"] = "no-store"
    return PasskeyOptions(await passkeys.ask(body.mfa_token if body else None))


@router.post("/login", response_model_exclude_none=True, summary="Sign in by a passkey, or complete a sign-in by one")
async def sign_in_by_passkey(
    body: PasskeySignIn, passkeys: PasskeyLogin, authentication: Authentication, app: App, response: Response
) -> TokenView:
    """Answers as the token endpoint does, cookies included."""
    answer = body.credential.model_dump()
    if body.mfa_token is None:
        started, live = await passkeys.sign_in(answer, body.scope)
    else:
        started, live = await passkeys.complete(answer, body.mfa_token)
    return grant(response, app, authentication, started, live)


@router.post(
    "/verify/options", dependencies=[limited_by_person("passkeys")], summary="Begin to prove oneself by a passkey"
)
async def begin_passkey_proof(user: SessionUser, passkeys: PasskeyLogin, response: Response) -> PasskeyOptions:
    response.headers["Cache-Control"] = "no-store"
    return PasskeyOptions(await passkeys.ask_again(user.id))


@router.post("/verify", summary="Prove oneself by a passkey, which makes the session fresh")
async def prove_by_passkey(body: PasskeyProof, user: SessionUser, passkeys: PasskeyLogin) -> Verified:
    await passkeys.verify(user.id, user.session_id, body.credential.model_dump())
    return Verified(verified=True)
