"""Requesting captions, following the work, cancelling and retrying it."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse

from madang.captions.deps import Captions, CaptionsReading, Following
from madang.captions.models import Caption
from madang.captions.progress_service import Told
from madang.captions.schemas import CaptionView, NewCaption, ProgressView
from madang.http.caller import CurrentUser, requires
from madang.http.events import ServerEvent, event_stream
from madang.http.paging import FeedQuery, Page, cut
from madang.http.state import App
from madang.kit.idempotency import LONGEST_KEY

router = APIRouter(prefix="/api/v1/captions", tags=["captions"], dependencies=[requires("captions")])
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=LONGEST_KEY)]
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The job's events", "content": {"text/event-stream": {}}},
    204: {"description": "The job has ended and there is nothing after `Last-Event-ID`"},
}
LastEventId = Annotated[int, Header(alias="Last-Event-ID", ge=0)]


@router.post("", status_code=202, summary="Have one's own media captioned")
async def request_caption(
    body: NewCaption,
    user: CurrentUser,
    captions: Captions,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> CaptionView:
    caption = await captions.request(user.id, body, idempotency_key)
    response.headers["Location"] = f"{router.prefix}/{caption.id}"
    return CaptionView.model_validate(caption)


@router.get("", summary="One's own caption jobs, the newest first")
async def list_captions(
    user: CurrentUser, captions: CaptionsReading, feed: FeedQuery, media_id: UUID | None = None
) -> Page[CaptionView]:
    rows = await captions.list_of(user.id, media_id, feed.after, feed.fetch)
    page, following = cut(rows, [row.id for row in rows], feed)
    return Page(items=[CaptionView.model_validate(row) for row in page], next_cursor=following)


@router.get("/{caption_id}", summary="One caption job")
async def look_up(caption_id: UUID, user: CurrentUser, captions: CaptionsReading) -> CaptionView:
    return CaptionView.model_validate(await captions.get(user.id, caption_id))


@router.delete("/{caption_id}", status_code=204, summary="Delete a job and its document; a running one stops")
async def delete(caption_id: UUID, user: CurrentUser, captions: Captions) -> None:
    await captions.delete(user.id, caption_id)


@router.post("/{caption_id}/cancel", summary="End a job that has not finished")
async def cancel(caption_id: UUID, user: CurrentUser, captions: Captions) -> CaptionView:
    return CaptionView.model_validate(await captions.cancel(user.id, caption_id))


@router.post("/{caption_id}/retry", status_code=202, summary="Run a failed or cancelled job again")
async def retry(caption_id: UUID, user: CurrentUser, captions: Captions) -> CaptionView:
    return CaptionView.model_validate(await captions.retry(user.id, caption_id))


@router.get(
    "/{caption_id}/events",
    summary="Follow a job: `progress` events, then `done`",
    responses=_EVENTS,
    response_class=StreamingResponse,
)
async def follow(
    caption_id: UUID, user: CurrentUser, following: Following, app: App, last_event_id: LastEventId = 0
) -> Response:
    if await following.is_over(user.id, caption_id, last_event_id):
        return Response(status_code=204)
    return event_stream(_events(following.follow(user.id, caption_id, last_event_id)), app.stopping)


async def _events(entries: AsyncGenerator[Told]) -> AsyncIterator[ServerEvent]:
    async with aclosing(entries):
        async for told in entries:
            if isinstance(told.what, Caption):
                yield ServerEvent("done", told.sequence, CaptionView.model_validate(told.what))
            else:
                yield ServerEvent("progress", told.sequence, ProgressView.model_validate(told.what))
