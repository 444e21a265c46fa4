"""One's own second factors. Every change asks for a fresh sign-in."""

from fastapi import APIRouter, Response

from madang.factors.deps import Factors, FactorsReading
from madang.factors.schemas import FactorCode, FactorsView, FirstRecoveryCodes, NewTotp, RecoveryCodes
from madang.http.caller import FreshUser, SessionUser
from madang.kit import one_time_codes

router = APIRouter(prefix="/api/v1/accounts/mfa", tags=["factors"])


@router.get("", summary="Which second factors are on")
async def show(user: SessionUser, factors: FactorsReading) -> FactorsView:
    return FactorsView(
        totp=await factors.has_totp(user.id),
        passkeys=await factors.passkeys(user.id),
        recovery_codes_left=await factors.recovery_codes_left(user.id),
    )


@router.post("/totp", summary="Begin to set up an authenticator app")
async def begin(user: FreshUser, factors: Factors, response: Response) -> NewTotp:
    secret = await factors.begin(user.id)
    response.headers["Cache-Control"] = "no-store"
    return NewTotp(secret=secret, otpauth_uri=one_time_codes.uri(secret, user.person.account_id))


@router.post("/totp/confirm", summary="Switch the authenticator app on by a first code")
async def confirm(body: FactorCode, user: FreshUser, factors: Factors, response: Response) -> FirstRecoveryCodes:
    response.headers["Cache-Control"] = "no-store"
    return FirstRecoveryCodes(recovery_codes=await factors.confirm(user.id, body.code))


@router.delete("/totp", status_code=204, summary="Switch the authenticator app off")
async def remove(user: FreshUser, factors: Factors) -> None:
    await factors.remove(user.id)


@router.post("/recovery-codes", summary="New recovery codes, which void the old ones")
async def renew_recovery_codes(user: FreshUser, factors: Factors, response: Response) -> RecoveryCodes:
    response.headers["Cache-Control"] = "no-store"
    return RecoveryCodes(recovery_codes=await factors.renew_recovery_codes(user.id))
