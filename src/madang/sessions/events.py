"""Facts of sessions."""

from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class SessionStarted(Event):
    name: ClassVar[str] = "sessions.session_started.v1"
    session_id: UUID
    account_id: UUID


class SessionEnded(Event):
    """`reason`: signed_out, revoked or reuse."""

    name: ClassVar[str] = "sessions.session_ended.v1"
    session_id: UUID
    account_id: UUID
    reason: str


class PasswordChanged(Event):
    """`by`: change (the old password was given) or reset (a mailed proof was)."""

    name: ClassVar[str] = "sessions.password_changed.v1"
    account_id: UUID
    by: str


class RefreshTokenReuseDetected(Event):
    name: ClassVar[str] = "sessions.refresh_token_reuse_detected.v1"
    session_id: UUID
    account_id: UUID
