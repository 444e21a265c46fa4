"""Which facts are entries of the trail; an entry's action is the fact's name."""

from typing import Any
from uuid import UUID

from madang.accounts import events as accounts
from madang.apikeys import events as apikeys
from madang.audit.models import FAILURE, SUCCESS
from madang.audit.repository import AuditRepository
from madang.audit.service import AuditService
from madang.chat import events as chat
from madang.factors import events as factors
from madang.federation import events as federation
from madang.kit.event import Event
from madang.kit.origin import current_origin
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.sweeping import sweep
from madang.privacy import events as privacy
from madang.sessions import events as sessions

# From where somebody nobody knows was refused is forgotten after so many days.
STRANGERS_DAYS = 90
_BATCH = 1000
# Facts that a person causes before anybody knows who they are.
_BY_THEMSELVES = (accounts.AccountRegistered, sessions.SessionStarted, sessions.EmailProven)
_FAILURES = (sessions.RefreshTokenReuseDetected, factors.PasskeyCloneSuspected)
RECORDED: tuple[type[Event], ...] = (
    accounts.AccountRegistered,
    accounts.AccountDisabled,
    accounts.AccountEnabled,
    accounts.AccountDeleted,
    accounts.AccountRestored,
    accounts.AccountRoleChanged,
    accounts.AccountErased,
    accounts.RoleAdded,
    accounts.RoleChanged,
    accounts.RoleRemoved,
    apikeys.ApiKeyMade,
    apikeys.ApiKeyRevoked,
    chat.ConversationShared,
    chat.ConversationUnshared,
    chat.QuotaSet,
    chat.QuotaRemoved,
    factors.TotpEnrolled,
    factors.TotpRemoved,
    factors.RecoveryCodesMade,
    factors.PasskeyAdded,
    factors.PasskeyRemoved,
    factors.PasskeyCloneSuspected,
    federation.IdentityLinked,
    federation.IdentityUnlinked,
    privacy.ExportRequested,
    privacy.ErasureDue,
    sessions.SessionStarted,
    sessions.SessionEnded,
    sessions.ImpersonationStarted,
    sessions.PasswordChanged,
    sessions.RefreshTokenReuseDetected,
    sessions.EmailProven,
)


async def record(event: Event, delivery: Delivery) -> None:
    origin, data = current_origin(), event.model_dump(mode="json")
    account_id, role_id = getattr(event, "account_id", None), getattr(event, "role_id", None)
    entry: dict[str, Any] = {
        "id": delivery.event_id,
        "at": delivery.at,
        "action": event.name.rpartition(".v")[0],
        "outcome": FAILURE if isinstance(event, _FAILURES) else SUCCESS,
        "actor_id": origin.actor_id or _author(event),
        "target_type": "account" if account_id else "role" if role_id else None,
        "target_id": account_id or role_id,
        "request_id": origin.request_id,
        "data": {name: value for name, value in data.items() if name not in {"account_id", "role_id", "ended_by"}},
    }
    async with delivery.backends.database.unit() as session:
        await AuditService(session).record(entry, origin.ip, origin.user_agent)


def _author(event: Event) -> UUID | None:
    """Who caused it, where the request itself had nobody signed in."""
    name = "account_id" if isinstance(event, _BY_THEMSELVES) else "ended_by"
    author: UUID | None = getattr(event, name, None)
    return author


async def forget_strangers(_event: Event, delivery: Delivery) -> None:
    before = delivery.before(STRANGERS_DAYS)
    await sweep(delivery.backends.database, lambda session: AuditRepository(session).delete_strangers(before, _BATCH))


handlers: Handlers = {**{kind: [record] for kind in RECORDED}, HousekeepingDue: [forget_strangers]}
