"""The trail, for those who may read it. Nothing changes or removes an entry."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from madang.audit.deps import Trail
from madang.audit.schemas import Action, AuditEntryView, Outcome, Sought
from madang.http.caller import requires
from madang.http.paging import FeedQuery, Page, cut

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], dependencies=[requires("admin:audit")])


@router.get("", summary="Who did what, the newest first")
async def list_entries(
    feed: FeedQuery,
    trail: Trail,
    actor_id: UUID | None = None,
    target_id: UUID | None = None,
    action: Annotated[Action | None, Query()] = None,
    outcome: Outcome | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> Page[AuditEntryView]:
    """Refusals and failed sign-ins are one entry for each key and minute, with a count."""
    sought = Sought(actor_id, target_id, action, outcome, since, until)
    found = await trail.page(sought, feed.after, feed.fetch)
    items, following = cut(found, [one.id for one in found], feed)
    return Page(items=items, next_cursor=following)
