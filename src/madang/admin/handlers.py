"""What was written is told to the cache once more: a writer that was killed after its commit, or a command in a
process of its own, could not."""

from madang.accounts import events as accounts
from madang.accounts.models import PEOPLE, person_tag
from madang.factors import events as factors
from madang.kit.event import Event
from madang.outbox.delivery import Delivery, Handlers
from madang.sessions import events as sessions

_OF_THE_LIST = (
    accounts.AccountRegistered,
    accounts.AccountProfileChanged,
    accounts.AccountDisabled,
    accounts.AccountEnabled,
    accounts.AccountDeleted,
    accounts.AccountRestored,
    accounts.AccountRoleChanged,
    accounts.AccountErased,
    sessions.EmailProven,
)
_OF_ONE = (
    sessions.SessionStarted,
    factors.TotpEnrolled,
    factors.TotpRemoved,
    factors.PasskeyAdded,
    factors.PasskeyRemoved,
)


async def forget_kept(event: Event, delivery: Delivery) -> None:
    tag = person_tag(event.model_dump()["account_id"])
    tags = [PEOPLE, tag] if isinstance(event, _OF_THE_LIST) else [tag]
    await delivery.backends.reads.end(*tags)


handlers: Handlers = {kind: [forget_kept] for kind in (*_OF_THE_LIST, *_OF_ONE)}
