"""Server-sent events (WHATWG HTML §9.2), framed here: a fifth of the typed response's cost per token."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, NamedTuple, Protocol

from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from madang.kit.tasks import end

_KEEP_ALIVE_SECONDS = 15.0
_MOST_AHEAD = 1 << 16  # bytes
_KEEP_ALIVE = b": keep-alive\n\n"
Data = BaseModel | dict[str, object]


class Framed(Protocol):
    """One event: its type, its id for `Last-Event-ID`, and JSON data."""

    @property
    def event(self) -> str: ...
    @property
    def id(self) -> int: ...
    @property
    def data(self) -> Data: ...


class ServerEvent(NamedTuple):
    event: str
    id: int
    data: Data


def event_stream(events: AsyncIterator[Framed], stopping: asyncio.Event) -> StreamingResponse:
    """Stream events with keep-alive comments; ends when the server is stopping, so that readers go elsewhere."""
    return FrameStream(_encoded(events), stopping)


def encode(event: Framed) -> bytes:
    data = (
        event.data.model_dump_json()
        if isinstance(event.data, BaseModel)
        else json.dumps(event.data, ensure_ascii=False)
    )
    return f"id: {event.id}\nevent: {event.event}\ndata: {data}\n\n".encode()


async def _encoded(events: AsyncIterator[Framed]) -> AsyncGenerator[bytes, None]:
    try:
        async for event in events:
            yield encode(event)
    finally:
        # A reader that left while a frame was on its way must not keep its subscription until it is collected.
        if (close := getattr(events, "aclose", None)) is not None:
            await close()


class FrameStream(StreamingResponse):
    """One task takes frames, one sends what there is, this one watches the clock, the server and the reader.

    So whatever comes faster than it is sent leaves together, and no task or timer is made per frame.
    """

    def __init__(
        self, frames: AsyncGenerator[bytes, None], stopping: asyncio.Event, headers: dict[str, str] | None = None
    ) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", **(headers or {})}
        super().__init__((), media_type="text/event-stream", headers=headers)
        self._frames = frames
        self._waiting: list[bytes] = []
        self._ahead = 0
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sending = asyncio.create_task(self._send_frames(send))
        stop = asyncio.create_task(self._stopping.wait())
        gone = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            while not await _any_done(sending, stop, gone):
                await send(_part(_KEEP_ALIVE))
            if sending.done():
                sending.result()
        finally:
            await end(sending, stop, gone)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_frames(self, send: Send) -> None:
        taking = asyncio.create_task(self._take())
        taking.add_done_callback(lambda _: self._some.set())
        try:
            while True:
                self._some.clear()
                if self._waiting:
                    frames, self._waiting, self._ahead = self._waiting, [], 0
                    self._room.set()
                    await send(_part(b"".join(frames)))
                elif taking.done():
                    return taking.result()
                else:
                    await self._some.wait()
        finally:
            await end(taking)

    async def _take(self) -> None:
        async with aclosing(self._frames):
            async for frame in self._frames:
                self._waiting.append(frame)
                self._ahead += len(frame)
                self._some.set()
                if self._ahead >= _MOST_AHEAD:
                    self._room.clear()
                    await self._room.wait()


async def _any_done(*tasks: asyncio.Task[Any]) -> bool:
    done, _ = await asyncio.wait(tasks, timeout=_KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    return bool(done)


def _part(frame: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": frame, "more_body": True}
