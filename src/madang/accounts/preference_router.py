"""One's own preferences."""

from fastapi import APIRouter

from madang.accounts.deps import Preferring, PreferringReading
from madang.accounts.schemas import PreferencesPatch, PreferencesView
from madang.http.caller import CurrentUser, requires

router = APIRouter(prefix="/api/v1/accounts/me/preferences", tags=["accounts"], dependencies=[requires("profile")])


@router.get("", summary="The page's and the caption viewer's settings")
async def show_preferences(user: CurrentUser, preferences: PreferringReading) -> PreferencesView:
    return await preferences.of(user.id)


@router.patch("", summary="Change some of them; null goes back to the default")
async def change_preferences(body: PreferencesPatch, user: CurrentUser, preferences: Preferring) -> PreferencesView:
    return await preferences.change(user.id, body)
