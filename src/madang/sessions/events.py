"""Facts of sessions."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class SessionStarted(Event):
    name: ClassVar[str] = "sessions.session_started.v1"
    session_id: UUID
    account_id: UUID


class ImpersonationStarted(Event):
    """Somebody acts for an account, until `expires_at` at the latest."""

    name: ClassVar[str] = "sessions.impersonation_started.v1"
    session_id: UUID
    account_id: UUID
    impersonator_id: UUID
    reason: str
    expires_at: datetime


class SessionEnded(Event):
    """`reason`: signed_out, revoked, password_changed, password_reset, account_disabled, account_deleted, reuse, or
    expired (of an impersonation). `ended_by`: whose session it was, or who acted in it, when they signed out."""

    name: ClassVar[str] = "sessions.session_ended.v1"
    session_id: UUID
    account_id: UUID
    reason: str
    ended_by: UUID | None = None


class PasswordChanged(Event):
    """`by`: change (the old password was given) or reset (a mailed proof was)."""

    name: ClassVar[str] = "sessions.password_changed.v1"
    account_id: UUID
    by: str


class RefreshTokenReuseDetected(Event):
    name: ClassVar[str] = "sessions.refresh_token_reuse_detected.v1"
    session_id: UUID
    account_id: UUID


class MailProofRequested(Event):
    """A code is to be mailed; the letter is written by whoever handles this, so the code is nowhere before."""

    name: ClassVar[str] = "sessions.mail_proof_requested.v1"
    proof_id: UUID


class EmailProven(Event):
    name: ClassVar[str] = "sessions.email_proven.v1"
    account_id: UUID
    proof_id: UUID


class NoticeDue(Event):
    """Something happened that the owner of an account is told by mail; `notice` names the letter."""

    name: ClassVar[str] = "sessions.notice_due.v1"
    notice: str
    account_id: UUID
    proof_id: UUID | None = None
    provider: str | None = None
