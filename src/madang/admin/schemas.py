"""Requests and responses of administration."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from madang.accounts.schemas import AccountId, AccountView, Language, Name, TimeZone
from madang.chat.schemas import UsedView
from madang.kit.schemas import Body, View

Reason = Annotated[str, StringConstraints(min_length=3, max_length=200, strip_whitespace=True)]


class ListedUser(AccountView):
    """An account in the list; `unproven_email` was given or invited and waits to be proven."""

    unproven_email: str | None
    deleted_at: datetime | None


class UserView(ListedUser):
    """An account as an administrator sees it alone."""

    last_sign_in_at: datetime | None
    mfa_enabled: bool


class UserPage(View):
    items: list[ListedUser]
    page: int
    size: int
    total: int
    total_is_exact: bool


class UserPatch(Body):
    """`role` and `is_active` are for administrators alone."""

    name: Name | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    role: str | None = Field(None, max_length=50)
    is_active: bool | None = None


class Restoration(Body):
    account_id: AccountId | None = Field(None, description="a new account id, where the former is taken by now")


class EndedSessions(View):
    sessions_ended: int


class ParkedEvent(View):
    """An event that was given up after its last try."""

    id: UUID
    name: str
    key: str
    data: dict[str, Any]
    error: str | None
    created_at: datetime
    parked_at: datetime


class OutboxView(View):
    waiting: int
    parked: int
    items: list[ParkedEvent]
    next_cursor: str | None


class Replay(Body):
    event_ids: list[UUID] | None = Field(None, min_length=1, max_length=1000, description="absent: all that are parked")


class Replayed(View):
    replayed: int


class UpstreamHealth(View):
    """`failures` in a row."""

    state: Literal["closed", "open", "half-open"]
    failures: int
    rests_until: datetime | None
    last_error: str | None
    last_failed_at: datetime | None
    last_answered_at: datetime | None


class UpstreamView(UpstreamHealth):
    """`roles` empty: everybody's."""

    name: str
    address: str
    roles: list[str]
    models: list[str]
    listing_error: str | None


class UpstreamsView(View):
    items: list[UpstreamView]


class UsedBy(UsedView):
    """What is not grouped by is null."""

    day: date | None = None
    model: str | None = None
    account_id: UUID | None = None


class UsageReport(View):
    items: list[UsedBy]


class Impersonation(Body):
    reason: Reason = Field(description="why: kept in the audit trail for good, so name a ticket rather than a person")
    minutes: int = Field(30, ge=1, le=60)


class ImpersonationView(View):
    """A token that acts for the account; it can't be refreshed, and signing out with it ends it."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - RFC 6750's name of the type
    scope: str
    session_id: UUID
    expires_at: datetime
