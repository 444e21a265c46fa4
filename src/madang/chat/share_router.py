"""Links by which others read a conversation."""

from uuid import UUID

from fastapi import APIRouter, Response

from madang.chat.deps import Shares, SharesReading
from madang.chat.schemas import SharedMessage, SharedView, ShareLink, ShareView
from madang.http.caller import CurrentUser, requires
from madang.http.limits import limited_by_person
from madang.http.paging import FeedQuery, cut
from madang.http.state import App

router = APIRouter(prefix="/api/v1/chat", tags=["chat"])
_OWNERS = [requires("chat"), limited_by_person("chat")]
_SHARE = "/conversations/{conversation_id}/share"


@router.post(_SHARE, status_code=201, dependencies=_OWNERS, summary="Make a link by which anybody reads it")
async def share(conversation_id: UUID, user: CurrentUser, shares: Shares, app: App) -> ShareLink:
    """It shows what has been said by now, without the system prompt, and is told this once; a former link ends."""
    made, token = await shares.share(user.id, conversation_id)
    return ShareLink(url=f"{app.settings.site}{router.prefix}/shared/{token}", created_at=made.created_at)


@router.get(_SHARE, dependencies=_OWNERS, summary="Since when it is shared")
async def show_share(conversation_id: UUID, user: CurrentUser, shares: SharesReading) -> ShareView:
    return ShareView.model_validate(await shares.of(user.id, conversation_id))


@router.delete(_SHARE, status_code=204, dependencies=_OWNERS, summary="End the link")
async def unshare(conversation_id: UUID, user: CurrentUser, shares: Shares) -> None:
    await shares.unshare(user.id, conversation_id)


@router.get("/shared/{token}", summary="Read what somebody shared")
async def read_shared(token: str, feed: FeedQuery, shares: SharesReading, response: Response) -> SharedView:
    """For whoever has the link, signed in or not; the oldest first."""
    response.headers["X-Robots-Tag"] = "noindex"
    opened, title, rows = await shares.read(token, feed.after, feed.fetch)
    page, following = cut(rows, [row.id for row in rows], feed)
    items = [SharedMessage.model_validate(row) for row in page]
    return SharedView(title=title, shared_at=opened.created_at, items=items, next_cursor=following)
