"""Hands facts to the webhooks that want them, and forgets old deliveries."""

from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.sweeping import sweep
from madang.webhooks.events import PUBLIC, WebhookPinged
from madang.webhooks.repository import DeliveryRepository
from madang.webhooks.runner import runners
from madang.webhooks.service import WebhookService

KEPT_DAYS = 30
_BATCH = 1000


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
