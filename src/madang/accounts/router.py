"""One's own account, and whether an account id is taken."""

from fastapi import APIRouter

from madang.accounts.deps import Accounts, AccountsReading
from madang.accounts.errors import FieldNotYours
from madang.accounts.schemas import AccountId, AccountView, Existence, OwnAccountView, ProfilePatch
from madang.http.caller import CurrentUser, requires
from madang.http.limits import limited_by_address
from madang.kit.caller import SessionCaller

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])
_OWN = frozenset({"name", "language", "time_zone", "account_id"})


@router.get("/me", dependencies=[requires("profile")], summary="The account that is signed in")
async def me(user: CurrentUser) -> OwnAccountView:
    view = OwnAccountView.model_validate(user.person)
    view.impersonator_id = user.actor_id if isinstance(user, SessionCaller) else None
    return view


@router.patch("/me", dependencies=[requires("profile")], summary="Change one's own profile")
async def change_profile(body: ProfilePatch, user: CurrentUser, accounts: Accounts) -> AccountView:
    """`account_id` can be chosen once, where it was generated."""
    for field in body.model_fields_set - _OWN:
        raise FieldNotYours(field=field)
    return AccountView.model_validate(await accounts.change_profile(user.id, body))


@router.get("/exist/{account_id}", dependencies=[limited_by_address("exist")], summary="Whether an account id is taken")
async def exist(account_id: AccountId, accounts: AccountsReading) -> Existence:
    return Existence(account_id=account_id, exists=await accounts.exists(account_id))
