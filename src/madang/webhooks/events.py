"""Facts of webhooks."""

from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class WebhookPinged(Event):
    """Somebody wants to see whether a webhook works; it goes to that one alone."""

    name: ClassVar[str] = "webhooks.webhook_pinged.v1"
    webhook_id: UUID
