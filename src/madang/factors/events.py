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


class PasskeyAdded(Event):
    name: ClassVar[str] = "factors.passkey_added.v1"
    account_id: UUID
    passkey_id: UUID


class PasskeyRemoved(Event):
    name: ClassVar[str] = "factors.passkey_removed.v1"
    account_id: UUID
    passkey_id: UUID


class PasskeyCloneSuspected(Event):
    """A passkey's counter did not go up, so two authenticators may hold one key."""

    name: ClassVar[str] = "factors.passkey_clone_suspected.v1"
    account_id: UUID
    passkey_id: UUID


class RecoveryCodesMade(Event):
    name: ClassVar[str] = "factors.recovery_codes_made.v1"
    account_id: UUID
