"""What operators look at: events that were given up, and the servers of models."""

from fastapi import APIRouter

from madang.admin.schemas import (
    OutboxView,
    ParkedEvent,
    Replay,
    Replayed,
    UpstreamHealth,
    UpstreamsView,
    UpstreamView,
)
from madang.backends.llm.upstreams import Upstream
from madang.http.caller import requires
from madang.http.paging import FeedQuery, cut
from madang.http.state import App
from madang.kit.problems import Problem
from madang.outbox.parking import parked, replay
from madang.outbox.relay import backlog

router = APIRouter(prefix="/api/v1/admin", tags=["operations"], dependencies=[requires("admin:operations")])


@router.get("/outbox", summary="How many events wait, and those that were parked after their last try")
async def show_outbox(feed: FeedQuery, app: App) -> OutboxView:
    """The oldest first."""
    database = app.backends.database
    waiting, count = await backlog(database)
    found = await parked(database, feed.fetch, feed.after)
    page, following = cut(found, [one.id for one in found], feed)
    items = [ParkedEvent.model_validate(one) for one in page]
    return OutboxView(waiting=waiting, parked=count, items=items, next_cursor=following)


@router.get("/upstreams", summary="How the servers of models do, as this server has seen them")
async def show_upstreams(app: App) -> UpstreamsView:
    """`closed` is asked as usual, `open` is left alone until `rests_until`, `half-open` is being tried. Each server
    process judges for itself; none has been asked anything for this answer but for the list of its models."""
    found = app.backends.llm.upstreams if app.backends.llm else ()
    return UpstreamsView(items=[await _upstream(one) for one in found])


async def _upstream(upstream: Upstream) -> UpstreamView:
    try:
        models, error = await upstream.offered(), None
    except Problem as problem:
        models, error = [], problem.code
    seen = UpstreamHealth.model_validate(upstream.circuit)
    told = {"name": upstream.name, "address": upstream.address, "roles": sorted(upstream.roles)}
    return UpstreamView(**told, models=models, listing_error=error, **seen.model_dump())


@router.post("/outbox/replay", summary="Send parked events again")
async def replay_events(body: Replay, app: App) -> Replayed:
    """Once what made them fail is mended; handlers that had finished do nothing twice."""
    return Replayed(replayed=await replay(app.backends.database, body.event_ids))
