"""What operators look at: events that were given up."""

from fastapi import APIRouter

from madang.admin.schemas import OutboxView, ParkedEvent, Replay, Replayed
from madang.http.caller import requires
from madang.http.paging import FeedQuery, cut
from madang.http.state import App
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


@router.post("/outbox/replay", summary="Send parked events again")
async def replay_events(body: Replay, app: App) -> Replayed:
    """Once what made them fail is mended; handlers that had finished do nothing twice."""
    return Replayed(replayed=await replay(app.backends.database, body.event_ids))
