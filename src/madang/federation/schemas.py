"""Responses of federated sign-in."""

from datetime import datetime
from uuid import UUID

from madang.kit.schemas import View


class ProviderView(View):
    name: str
    label: str


class IdentityView(View):
    id: UUID
    provider: str
    email: str | None
    email_verified: bool
    created_at: datetime
    last_used_at: datetime


class LinkingBegun(View):
    authorization_url: str
