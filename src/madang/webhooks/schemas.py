"""Requests and responses of webhooks."""

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from madang.kit.schemas import Body, View


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.fragment:
        raise ValueError("must be an http or https address without a user name or fragment")
    return url


Url = Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True), AfterValidator(_web_address)]
Pattern = Annotated[
    str,
    StringConstraints(max_length=100, pattern=r"^(\*|[a-z_]+\.(\*|[a-z_]+(\.v[0-9]+)?))$"),
    Field(description="an event's name, all of a feature (`accounts.*`), or `*`"),
]
Patterns = Annotated[list[Pattern], Field(min_length=1, max_length=50)]
Description = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]


class NewWebhook(Body):
    url: Url
    events: Patterns
    description: Description | None = None


class WebhookPatch(Body):
    url: Url | None = None
    events: Patterns | None = None
    description: Description | None = None
    is_active: bool | None = None


class WebhookView(View):
    """`failing_since`: since when nothing but failures came back; after five days it is disabled."""

    id: UUID
    url: str
    events: list[str]
    description: str | None
    is_active: bool
    disabled_reason: str | None
    failing_since: datetime | None
    created_at: datetime


class MadeWebhook(WebhookView):
    secret: str = Field(description="shown this once")


class Rotated(View):
    """The former secret signs beside this one until `former_until`."""

    secret: str
    former_until: datetime


class DeliveryView(View):
    id: UUID
    event_id: UUID
    event: str
    state: Literal["pending", "succeeded", "failed"]
    attempts: int
    due_at: datetime
    status: int | None = Field(description="HTTP status that came back last")
    error: str | None
    milliseconds: int | None
    created_at: datetime
    tried_at: datetime | None


class ReplaySince(Body):
    since: AwareDatetime


class ReplayedDeliveries(View):
    replayed: int
