"""Which facts are sent to others: all, but those that are errands within the house."""

from types import ModuleType

from madang.accounts import events as accounts
from madang.apikeys import events as apikeys
from madang.captions import events as captions
from madang.chat import events as chat
from madang.factors import events as factors
from madang.federation import events as federation
from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.media import events as media
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.sweeping import sweep
from madang.privacy import events as privacy
from madang.sessions import events as sessions
from madang.webhooks.events import WebhookPinged
from madang.webhooks.repository import DeliveryRepository
from madang.webhooks.runner import runners
from madang.webhooks.service import WebhookService

KEPT_DAYS = 30
_BATCH = 1000
_MODULES = (accounts, apikeys, captions, chat, factors, federation, media, privacy, sessions)
_ERRANDS = (sessions.NoticeDue, sessions.MailProofRequested, privacy.ErasureDue)


def _facts(module: ModuleType) -> list[type[Event]]:
    found = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Event)]
    return [kind for kind in found if kind is not Event and kind not in _ERRANDS]


PUBLIC: list[type[Event]] = [kind for module in _MODULES for kind in _facts(module)]


async def take(event: Event, delivery: Delivery) -> None:
    backends = delivery.backends
    async with backends.database.unit() as session:
        wanting = await WebhookService(session, backends.keyring, utc_now).take(event, delivery.event_id, delivery.at)
    if wanting:
        runners.ring()


async def sweep_deliveries(_event: Event, delivery: Delivery) -> None:
    before = delivery.before(KEPT_DAYS)
    await sweep(delivery.backends.database, lambda session: DeliveryRepository(session).delete_old(before, _BATCH))


handlers: Handlers = {
    **{kind: [take] for kind in PUBLIC},
    WebhookPinged: [take],
    HousekeepingDue: [sweep_deliveries],
}
