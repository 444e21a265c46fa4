"""The rules of webhooks: who is sent what, and under which secrets."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from madang.db.session import Session
from madang.kit import standard_webhooks
from madang.kit.clock import Clock
from madang.kit.event import Event
from madang.kit.secrets import Keyring
from madang.outbox.publish import Outbox
from madang.webhooks.errors import DeliveryNotFound, TooManyWebhooks, UnknownEvents, WebhookNotFound
from madang.webhooks.events import WebhookPinged, patterns_of, unknown
from madang.webhooks.models import Webhook, WebhookDelivery
from madang.webhooks.repository import DeliveryRepository, WebhookRepository
from madang.webhooks.schemas import NewWebhook, WebhookPatch

MOST = 50
FORMER_SECRET = timedelta(hours=24)


class WebhookService:
    """Within one unit."""

    def __init__(self, session: Session, keyring: Keyring, clock: Clock) -> None:
        self._webhooks = WebhookRepository(session)
        self._deliveries = DeliveryRepository(session)
        self._outbox = Outbox(session, clock)
        self._keyring = keyring
        self._clock = clock

    async def make(self, new: NewWebhook) -> tuple[Webhook, str]:
        """The webhook, and its secret in clear. Raises `UnknownEvents`, `TooManyWebhooks`."""
        _ensure_known(new.events)
        secret = standard_webhooks.new_secret()
        webhook = Webhook(
            url=new.url,
            events=new.events,
            description=new.description,
            sealed=self._sealed([(secret, None)]),
            created_at=self._clock(),
        )
        if not await self._webhooks.add(webhook, MOST):
            raise TooManyWebhooks(most=MOST)
        return webhook, secret

    async def all(self) -> Sequence[Webhook]:
        return await self._webhooks.all()

    async def get(self, webhook_id: UUID, *, lock: bool = False) -> Webhook:
        """Raises `WebhookNotFound`."""
        webhook = await self._webhooks.get(webhook_id, lock=lock)
        if webhook is None:
            raise WebhookNotFound
        return webhook

    async def change(self, webhook_id: UUID, patch: WebhookPatch) -> Webhook:
        """What waits for a webhook that is switched on again goes out then. Raises `UnknownEvents`."""
        _ensure_known(patch.events or ())
        webhook = await self.get(webhook_id, lock=True)
        for name in ("url", "events", "is_active"):
            if (value := getattr(patch, name)) is not None:
                setattr(webhook, name, value)
        if "description" in patch.model_fields_set:
            webhook.description = patch.description
        if patch.is_active:
            webhook.disabled_reason = webhook.failing_since = None
        return webhook

    async def remove(self, webhook_id: UUID) -> None:
        if not await self._webhooks.remove(webhook_id):
            raise WebhookNotFound

    async def rotate(self, webhook_id: UUID) -> tuple[str, datetime]:
        """A new secret; the former one signs beside it for a day."""
        webhook = await self.get(webhook_id, lock=True)
        secret, until = standard_webhooks.new_secret(), self._clock() + FORMER_SECRET
        former = secrets_of(webhook, self._keyring, self._clock())[0]
        webhook.sealed = self._sealed([(secret, None), (former, until)])
        return secret, until

    async def ping(self, webhook_id: UUID) -> None:
        webhook = await self.get(webhook_id)
        self._outbox.publish(WebhookPinged(webhook_id=webhook.id), key=webhook.id)

    async def deliveries(self, webhook_id: UUID, before: UUID | None, limit: int) -> Sequence[WebhookDelivery]:
        await self.get(webhook_id)
        return await self._deliveries.of(webhook_id, before, limit)

    async def replay(self, webhook_id: UUID, delivery_id: UUID) -> None:
        await self.get(webhook_id)
        if not await self._deliveries.replay_one(webhook_id, delivery_id, self._clock()):
            raise DeliveryNotFound

    async def replay_since(self, webhook_id: UUID, since: datetime) -> int:
        """All that failed for good since then."""
        await self.get(webhook_id)
        return await self._deliveries.replay_failed(webhook_id, since, self._clock())

    async def take(self, event: Event, event_id: UUID, at: datetime) -> int:
        """A delivery for each webhook that wants the event; how many want it."""
        wanting = [one for one in await self._webhooks.active() if _wants(one, event)]
        body = {"type": event.name, "timestamp": at.isoformat(), "data": event.model_dump(mode="json")}
        for webhook in wanting:
            await self._deliveries.add_once(
                {
                    "webhook_id": webhook.id,
                    "event_id": event_id,
                    "event": event.name,
                    "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
                    "due_at": at,
                    "created_at": at,
                }
            )
        return len(wanting)

    def _sealed(self, secrets: list[tuple[str, datetime | None]]) -> bytes:
        listed = [[secret, until.isoformat() if until else None] for secret, until in secrets]
        return self._keyring.seal(json.dumps(listed).encode())


def secrets_of(webhook: Webhook, keyring: Keyring, now: datetime) -> list[str]:
    """Those that are valid now, the newest first."""
    listed: list[Any] = json.loads(keyring.unseal(webhook.sealed))
    return [secret for secret, until in listed if until is None or datetime.fromisoformat(until) > now]


def _ensure_known(patterns: Iterable[str]) -> None:
    if strangers := unknown(patterns):
        raise UnknownEvents(events=", ".join(strangers))


def _wants(webhook: Webhook, event: Event) -> bool:
    if isinstance(event, WebhookPinged):
        return event.webhook_id == webhook.id
    return not patterns_of(event).isdisjoint(webhook.events)
