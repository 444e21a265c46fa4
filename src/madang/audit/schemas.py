"""What is read of the trail."""

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import Field

from madang.kit.schemas import View

Action = Annotated[
    str, Field(max_length=80, pattern=r"^[a-z_.]+$", description="the whole name, or its beginning up to a dot")
]
Outcome = Literal["success", "failure", "denied"]


class AuditEntryView(View):
    """`ip` and `user_agent` are null where there were none, or where the account was erased."""

    id: UUID
    at: datetime
    action: str
    outcome: Outcome
    actor_id: UUID | None
    target_type: str | None
    target_id: UUID | None
    ip: str | None
    user_agent: str | None
    request_id: str | None
    count: int = Field(description="how often within that minute; 1 for a single fact")
    sealed: bool
    data: dict[str, Any]


class Sought(NamedTuple):
    """Which entries are shown; None: whatever it is. Times are inclusive."""

    actor_id: UUID | None = None
    target_id: UUID | None = None
    action: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None
