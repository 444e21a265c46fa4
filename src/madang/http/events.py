"""Server-sent events (WHATWG HTML §9.2), framed here: a fifth of the typed response's cost per token."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple

from fastapi.responses import StreamingResponse
from pydantic import BaseModel

_KEEP_ALIVE_SECONDS = 15.0
_KEEP_ALIVE = b": keep-alive\n\n"
_closing: set[asyncio.Task[None]] = set()


class ServerEvent(NamedTuple):
    """One event: its type, its id for `Last-Event-ID`, and JSON data."""

    event: str
    id: int
    data: BaseModel | dict[str, object]


def event_stream(events: AsyncIterator[ServerEvent], stopping: asyncio.Event) -> StreamingResponse:
    """Stream events with keep-alive comments; ends when the server is stopping, so that readers go elsewhere."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_frames(events, stopping), media_type="text/event-stream", headers=headers)


def encode(event: ServerEvent) -> bytes:
    data = (
        event.data.model_dump_json()
        if isinstance(event.data, BaseModel)
        else json.dumps(event.data, ensure_ascii=False)
    )
    return f"id: {event.id}\nevent: {event.event}\ndata: {data}\n\n".encode()


async def _frames(events: AsyncIterator[ServerEvent], stopping: asyncio.Event) -> AsyncIterator[bytes]:
    """A source that never pauses ends on `stopping` too; a reader that leaves closes the source."""
    stop = asyncio.create_task(stopping.wait())
    following = asyncio.ensure_future(anext(events))
    try:
        while True:
            done, _ = await asyncio.wait({following, stop}, timeout=_KEEP_ALIVE_SECONDS, return_when="FIRST_COMPLETED")
            if following in done:
                yield encode(following.result())
            if stop in done:
                return
            if following in done:
                following = asyncio.ensure_future(anext(events))
            else:
                yield _KEEP_ALIVE
    except StopAsyncIteration:
        return
    finally:
        stop.cancel()
        closing = asyncio.create_task(_close(events, following))
        _closing.add(closing)
        closing.add_done_callback(_closing.discard)
        await asyncio.shield(closing)


async def _close(events: AsyncIterator[ServerEvent], following: asyncio.Future[ServerEvent]) -> None:
    """In a task of its own, since the server goes on cancelling the one whose reader has left."""
    following.cancel()
    await asyncio.wait({following})
    if not following.cancelled():
        following.exception()
    if isinstance(events, AsyncGenerator):
        await events.aclose()
