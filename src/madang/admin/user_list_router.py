"""The list of people: in pages to look at, and as a feed for whoever wants them all."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from madang.accounts.schemas import People
from madang.admin.deps import UsersReading
from madang.admin.schemas import ListedUser, UserPage
from madang.http.caller import requires
from madang.http.paging import FeedQuery, Page, cut

router = APIRouter(prefix="/api/v1", tags=["people"], dependencies=[requires("admin:users")])
Sort = Literal["created_at", "-created_at", "name", "-name", "account_id", "-account_id"]
MAX_SIZE = 100
_Q = "part of an id, an address or a name; of one or two letters (a Korean syllable has two or three), the beginning"


async def _sought(
    q: Annotated[str | None, Query(max_length=100, description=_Q)] = None,
    role: Annotated[str | None, Query(max_length=50)] = None,
    is_active: bool | None = None,
    provider: Annotated[str | None, Query(max_length=50)] = None,
    created_from: AwareDatetime | None = None,
    created_to: AwareDatetime | None = None,
    deleted: Annotated[bool, Query(description="those who wait for their erasure instead")] = False,
) -> People:
    return People(q, role, is_active, provider, created_from, created_to, deleted)


Sought = Annotated[People, Depends(_sought)]


@router.get("/users", response_model=UserPage, summary="People, page by page")
async def list_people(
    users: UsersReading,
    sought: Sought,
    sort: Sort = "-created_at",
    page: Annotated[int, Query(ge=1)] = 1,
    size: Annotated[int, Query(ge=1, le=MAX_SIZE)] = 50,
) -> Response:
    """`total` is exact up to 10,000 and an estimate beyond, as `total_is_exact` says. Pages reach 10,000 people deep;
    beyond that narrow it down, by `created_to` for instance, or read the feed."""
    return Response(await users.page(sought, sort, page, size), media_type="application/json")


@router.get("/admin/users", summary="All people that match, for an export")
async def feed_people(users: UsersReading, sought: Sought, feed: FeedQuery) -> Page[ListedUser]:
    """In the order of their ids, as many pages as there are: each costs the same, and whoever signs up or leaves
    meanwhile moves nobody to another page."""
    rows = await users.feed(sought, feed.after, feed.fetch)
    page, following = cut(rows, [row.id for row in rows], feed)
    return Page(items=[ListedUser.model_validate(row) for row in page], next_cursor=following)
