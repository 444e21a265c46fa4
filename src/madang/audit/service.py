"""The rules of the trail: what an entry holds, and how it is read."""

import os
from collections.abc import Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from madang.audit.models import DENIED, FAILURE, AuditEntry, AuditPerson
from madang.audit.repository import AuditRepository
from madang.audit.schemas import AuditEntryView, Sought
from madang.db.session import Session
from madang.kit import chain
from madang.kit.ids import derived_id, new_id
from madang.kit.refusals import Counted, Refusal

ACCESS_REFUSED = "access.refused"


class AuditService:
    """Within one unit."""

    def __init__(self, session: Session) -> None:
        self._entries = AuditRepository(session)

    async def record(self, entry: dict[str, Any], ip: str | None, user_agent: str | None) -> bool:
        """Add an entry, with a salt of its own for from where it was caused; whether there was none of its id."""
        person = _person(entry, ip, user_agent)
        concealed = chain.concealed(person["salt"], [ip, user_agent]) if person else None
        is_new = await self._entries.add({**entry, "concealed": concealed})
        if is_new and person:
            await self._entries.add_person(person)
        return is_new

    async def count(self, refusal: Refusal, counted: Counted) -> None:
        """Add to the entry of that key and minute, whichever server made it."""
        at = datetime.fromtimestamp(refusal.minute, UTC)
        shared = derived_id(at, "|".join(map(str, astuple(refusal))))
        entry = {
            "at": at,
            "action": refusal.action,
            "outcome": DENIED if refusal.action == ACCESS_REFUSED else FAILURE,
            "actor_id": refusal.actor_id,
            "target_type": "account" if refusal.target_id else None,
            "target_id": refusal.target_id,
            "request_id": counted.request_id,
            "data": {"code": refusal.code, "path": refusal.path},
            "count": counted.count,
        }
        # Twice, since another server may add it in between; if it is sealed already, this comes late and stands alone.
        for entry_id in (shared, shared, new_id()):
            if await self._entries.count_up(entry_id, counted.count):
                return
            if await self.record({"id": entry_id, **entry}, refusal.ip, counted.user_agent):
                return

    async def page(self, sought: Sought, before: UUID | None, limit: int) -> Sequence[AuditEntryView]:
        return [_view(entry, person) for entry, person in await self._entries.page(sought, before, limit)]


def _person(entry: dict[str, Any], ip: str | None, user_agent: str | None) -> dict[str, Any] | None:
    if ip is None and user_agent is None:
        return None
    account_id = entry["actor_id"] or (entry["target_id"] if entry["target_type"] == "account" else None)
    return {
        "entry_id": entry["id"],
        "account_id": account_id,
        "salt": os.urandom(16),
        "ip": ip,
        "user_agent": user_agent,
    }


def _view(entry: AuditEntry, person: AuditPerson | None) -> AuditEntryView:
    return AuditEntryView(
        id=entry.id,
        at=entry.at,
        action=entry.action,
        outcome=entry.outcome,
        actor_id=entry.actor_id,
        target_type=entry.target_type,
        target_id=entry.target_id,
        ip=person.ip if person else None,
        user_agent=person.user_agent if person else None,
        request_id=entry.request_id,
        count=entry.count or 1,
        sealed=entry.number is not None,
        data=entry.data,
    )
