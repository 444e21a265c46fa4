"""One's own preferences: what the page and the caption viewer keep for a person, on every device."""

from typing import Any
from uuid import UUID

from madang.accounts.models import Preferences
from madang.accounts.repository import AccountRepository
from madang.accounts.schemas import PreferencesPatch, PreferencesView
from madang.db.session import Session


class PreferenceService:
    def __init__(self, session: Session) -> None:
        self._accounts = AccountRepository(session)

    async def of(self, account_id: UUID) -> PreferencesView:
        """With the default for whatever was never chosen."""
        stored = await self._accounts.preferences(account_id)
        return PreferencesView.model_validate(stored.chosen if stored else {})

    async def change(self, account_id: UUID, patch: PreferencesPatch) -> PreferencesView:
        """Merge (RFC 7396): what is left out stays, null goes back to its default. Of changes at once none is lost."""
        await self._accounts.locked(account_id)
        stored = await self._accounts.preferences(account_id)
        chosen = merged(stored.chosen if stored else {}, patch.model_dump(mode="json", exclude_unset=True))
        if stored is None:
            await self._accounts.add_preferences(Preferences(account_id=account_id, chosen=chosen))
        else:
            stored.chosen = chosen
        return PreferencesView.model_validate(chosen)


def merged(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """RFC 7396 §2."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            former = result.get(name)
            result[name] = merged(former if isinstance(former, dict) else {}, value)
        else:
            result[name] = value
    return result
