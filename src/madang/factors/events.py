"""Facts of second factors."""

from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class TotpEnrolled(Event):
    name: ClassVar[str] = "factors.totp_enrolled.v1"
    account_id: UUID


class TotpRemoved(Event):
    name: ClassVar[str] = "factors.totp_removed.v1"
    account_id: UUID


class RecoveryCodesMade(Event):
    name: ClassVar[str] = "factors.recovery_codes_made.v1"
    account_id: UUID
