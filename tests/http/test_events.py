"""Server-sent events: framing, keep-alive, and an end on both sides."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.types import Message

from madang.http import events
from madang.http.events import ServerEvent, encode, event_stream

SOON = 10


class Source:
    """Events on demand, which tells when it was closed."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[ServerEvent | None] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def events(self) -> AsyncGenerator[ServerEvent]:
        try:
            while (event := await self.queue.get()) is not None:
                yield event
        finally:
            await asyncio.sleep(0)  # closing takes a turn of the loop, as unsubscribing does
            self.closed.set()

    def put(self, *numbers: int) -> None:
        for number in numbers:
            self.queue.put_nowait(ServerEvent("delta", number, {"text": str(number)}))


class Reader:
    """The other end of a stream, without a network between: the frames that came, and leaving."""

    def __init__(self, source: AsyncIterator[ServerEvent], stopping: asyncio.Event) -> None:
        self._frames: asyncio.Queue[bytes] = asyncio.Queue()
        self._left = asyncio.Event()
        self.response = asyncio.create_task(event_stream(source, stopping)({"type": "http"}, self._receive, self._send))

    async def _receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await asyncio.sleep(0)
        if message["type"] == "http.response.body":
            self._frames.put_nowait(message["body"])

    async def next(self) -> bytes:
        return await asyncio.wait_for(self._frames.get(), SOON)

    async def rest(self) -> list[bytes]:
        """Every frame until the response ended."""
        await asyncio.wait_for(self.response, SOON)
        return [self._frames.get_nowait() for _ in range(self._frames.qsize())]

    async def leave(self) -> None:
        self._left.set()
        await asyncio.wait_for(self.response, SOON)


async def within_reason(awaited: object) -> object:
    return await asyncio.wait_for(awaited, SOON)  # type: ignore[arg-type]  # any awaitable


def test_an_event_is_one_frame_whatever_its_text_holds() -> None:
    frame = encode(ServerEvent("delta", 12, {"text": "줄\n바꿈\r\n\n\u2028id: 99"}))
    assert frame.startswith(b"id: 12\nevent: delta\ndata: {")
    assert frame.endswith(b"}\n\n")
    assert frame.count(b"\n") == 4
    assert b"\r" not in frame
    assert "줄" in frame.decode()


def test_a_model_is_framed_as_its_json() -> None:
    class Delta(BaseModel):
        text: str

    assert encode(ServerEvent("delta", 1, Delta(text="a\nb"))) == b'id: 1\nevent: delta\ndata: {"text":"a\\nb"}\n\n'


async def test_events_keep_their_order_and_the_stream_ends_with_its_source() -> None:
    source = Source()
    source.put(1, 2, 3)
    source.queue.put_nowait(None)
    sent = b"".join(await Reader(source.events(), asyncio.Event()).rest())
    assert [frame.split(b"\n")[0] for frame in sent.split(b"\n\n")] == [b"id: 1", b"id: 2", b"id: 3", b""]
    assert source.closed.is_set()


async def test_what_comes_faster_than_it_is_sent_leaves_together_and_is_bounded() -> None:
    source = Source()
    source.put(*range(3000))
    source.queue.put_nowait(None)
    frames = await Reader(source.events(), asyncio.Event()).rest()
    sent = b"".join(frames).split(b"\n\n")[:-1]
    assert [frame.split(b"\n")[0] for frame in sent] == [b"id: %d" % number for number in range(3000)]
    assert 2 < len(frames) < 300
    assert max(map(len, frames)) < 1 << 17


async def test_a_quiet_source_is_kept_alive_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_KEEP_ALIVE_SECONDS", 0.01)
    source = Source()
    reader = Reader(source.events(), asyncio.Event())
    assert [await reader.next() for _ in range(3)] == [b": keep-alive\n\n"] * 3
    source.put(7)
    while (frame := await reader.next()).startswith(b":"):
        pass
    assert frame.startswith(b"id: 7\n")
    await reader.leave()


async def test_a_waiting_stream_ends_when_the_server_stops() -> None:
    source, stopping = Source(), asyncio.Event()
    reader = Reader(source.events(), stopping)
    source.put(1)
    assert await reader.next()
    stopping.set()
    assert await reader.rest() == [b""]
    assert source.closed.is_set()


async def test_a_stream_that_never_pauses_ends_when_the_server_stops() -> None:
    async def endless() -> AsyncGenerator[ServerEvent]:
        while True:
            yield ServerEvent("delta", 1, {})

    stopping = asyncio.Event()
    reader = Reader(endless(), stopping)
    await reader.next()
    stopping.set()
    assert (await reader.rest())[-1] == b""


@pytest.mark.parametrize("waiting", [True, False])
async def test_the_source_is_closed_when_the_reader_leaves(waiting: bool) -> None:
    source = Source()
    kept = source.events()  # a reference of ours, so that it is closed by name and not by chance
    source.put(1)
    reader = Reader(kept, asyncio.Event())
    await reader.next()
    if not waiting:
        source.put(2)
    await reader.leave()
    assert source.closed.is_set()
    with pytest.raises(StopAsyncIteration):
        await anext(kept)


async def test_a_failing_source_ends_the_stream_with_its_error() -> None:
    async def failing() -> AsyncGenerator[ServerEvent]:
        yield ServerEvent("delta", 1, {})
        raise RuntimeError("the model went away")

    reader = Reader(failing(), asyncio.Event())
    await reader.next()
    with pytest.raises(RuntimeError, match="the model went away"):
        await reader.rest()


@pytest.fixture
def source(server: tuple[str, FastAPI]) -> Source:
    app, source = server[1], Source()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return event_stream(source.events(), app.state.running.stopping)

    return source


async def test_a_reader_that_hangs_up_closes_the_source(client: httpx2.AsyncClient, source: Source) -> None:
    async with client.stream("GET", "/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        source.put(1)
        assert (await anext(answer.aiter_raw())).startswith(b"id: 1\n")
        assert not source.closed.is_set()
    await within_reason(source.closed.wait())


async def test_stopping_the_server_ends_open_streams_in_good_order(
    client: httpx2.AsyncClient, server: tuple[str, FastAPI], source: Source
) -> None:
    async with client.stream("GET", "/stream") as answer:
        source.put(1)
        lines = answer.aiter_lines()
        assert await anext(lines) == "id: 1"
        server[1].state.running.stopping.set()
        assert [line async for line in lines][-1] == ""
    await within_reason(source.closed.wait())


async def test_a_stream_that_fails_midway_is_cut_off_not_finished(
    client: httpx2.AsyncClient, server: tuple[str, FastAPI]
) -> None:
    @server[1].get("/broken")
    async def broken() -> StreamingResponse:
        async def failing() -> AsyncGenerator[ServerEvent]:
            yield ServerEvent("delta", 1, {})
            raise RuntimeError("midway")

        return event_stream(failing(), asyncio.Event())

    with pytest.raises(httpx2.RemoteProtocolError):
        await client.get("/broken")
