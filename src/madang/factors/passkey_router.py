"""One's own passkeys. Adding and removing one asks for a fresh sign-in."""

from uuid import UUID

from fastapi import APIRouter, Response

from madang.factors.deps import Passkeys
from madang.factors.schemas import AddedPasskey, NewPasskey, PasskeyOptions, PasskeyPatch, PasskeyView
from madang.http.caller import FreshUser, SessionUser
from madang.http.limits import limited_by_person
from madang.http.paging import Page

router = APIRouter(prefix="/api/v1/accounts/passkeys", tags=["factors"])
# `:uuid`, so that `verify` and `login` beside it are never taken for an id: a wrong method there is a 405.
_ONE = "/{passkey_id:uuid}"


@router.post("/options", dependencies=[limited_by_person("passkeys")], summary="Begin to add a passkey")
async def begin_passkey(user: FreshUser, passkeys: Passkeys, response: Response) -> PasskeyOptions:
    """What `navigator.credentials.create()` is called with; good for five minutes."""
    response.headers["Cache-Control"] = "no-store"
    name = user.person.account_id
    return PasskeyOptions(await passkeys.begin(user.id, name, user.person.name or name))


@router.post("", status_code=201, summary="Add a passkey, which then signs in and is a second factor")
async def add_passkey(body: NewPasskey, user: FreshUser, passkeys: Passkeys, response: Response) -> AddedPasskey:
    added, codes = await passkeys.add(user.id, body.credential.model_dump(), body.name)
    response.headers["Cache-Control"] = "no-store"
    shown = PasskeyView.model_validate(added).model_dump()
    return AddedPasskey(**shown, recovery_codes=codes)


@router.get("", summary="One's own passkeys, the oldest first")
async def list_passkeys(user: SessionUser, passkeys: Passkeys) -> Page[PasskeyView]:
    items = [PasskeyView.model_validate(one) for one in await passkeys.of(user.id)]
    return Page(items=items, next_cursor=None)


@router.patch(_ONE, summary="Rename a passkey")
async def rename_passkey(passkey_id: UUID, body: PasskeyPatch, user: SessionUser, passkeys: Passkeys) -> PasskeyView:
    return PasskeyView.model_validate(await passkeys.rename(user.id, passkey_id, body.name))


@router.delete(_ONE, status_code=204, summary="Remove a passkey")
async def remove_passkey(passkey_id: UUID, user: FreshUser, passkeys: Passkeys) -> None:
    await passkeys.remove(user.id, passkey_id)
