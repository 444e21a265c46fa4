"""Facts of federated sign-in."""

from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class IdentityLinked(Event):
    """`by`: sign_up (a new account), email (both sides had proven the address) or owner (who was signed in)."""

    name: ClassVar[str] = "federation.identity_linked.v1"
    identity_id: UUID
    account_id: UUID
    provider: str
    by: str


class IdentityUnlinked(Event):
    name: ClassVar[str] = "federation.identity_unlinked.v1"
    identity_id: UUID
    account_id: UUID
    provider: str
