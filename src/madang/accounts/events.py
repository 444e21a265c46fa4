"""Facts of a person's account."""

from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class AccountRegistered(Event):
    name: ClassVar[str] = "accounts.account_registered.v1"
    account_id: UUID
