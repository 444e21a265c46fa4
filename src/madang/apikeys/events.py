"""Facts of API keys."""

from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class ApiKeyMade(Event):
    name: ClassVar[str] = "apikeys.api_key_made.v1"
    key_id: UUID
    account_id: UUID


class ApiKeyRevoked(Event):
    name: ClassVar[str] = "apikeys.api_key_revoked.v1"
    key_id: UUID
    account_id: UUID
