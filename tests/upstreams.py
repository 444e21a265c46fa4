"""A model server on a real socket that answers, or fails, as the model's name says."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

WORDS = ["Hello", ", ", "안녕", "하세요", " 👩‍👩‍👧", "\nline two", ".", ""]
TEXT = "".join(WORDS)
MODES = (
    *("ok", "slow", "endless", "no-usage", "surrogates"),
    *("400", "401", "500", "flaky", "429", "429-later", "hang-first", "hang-middle", "cut"),
    *("nothing", "garbage", "garbage-middle", "half-json", "odd-shapes", "error-first", "error-middle"),
    *("megabytes", "long-line", "long-error"),
)


@dataclass
class Upstream:
    """What the server has seen, and how tests make it move."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    open_streams: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def hits(self, model: str) -> int:
        return sum(request["model"] == model for request in self.requests)

    async def is_streaming(self, *, wanted: bool) -> None:
        """Return once it is, or no longer; a stream that is left ends at its next write."""
        async with asyncio.timeout(15):
            while bool(self.open_streams) != wanted:  # noqa: ASYNC110 - a counter of the server under test
                await asyncio.sleep(0.01)


@asynccontextmanager
async def fake_upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    listener = socket.create_server(("127.0.0.1", 0))
    upstream.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    config = uvicorn.Config(_app(upstream), log_level="critical", timeout_graceful_shutdown=1, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        assert not task.done(), "the upstream did not start"
        await asyncio.sleep(0.005)
    try:
        yield upstream
    finally:
        upstream.go_on.set()
        server.should_exit = True
        await task


def _app(upstream: Upstream) -> FastAPI:
    app = FastAPI()

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": mode, "object": "model"} for mode in MODES]}

    @app.get("/api/tags")
    async def tags() -> dict[str, Any]:
        return {"models": [{"name": mode} for mode in MODES]}

    @app.post("/v1/chat/completions", response_model=None)
    async def complete(request: Request) -> Response:
        body = await request.json()
        upstream.requests.append(body)
        refusal = _refusal(body["model"], upstream)
        if refusal is None and not body.get("stream"):
            return await _whole(body, upstream)
        return refusal or StreamingResponse(_counted(body["model"], upstream), media_type="text/event-stream")

    @app.post("/v1/embeddings", response_model=None)
    async def embed(request: Request) -> Response:
        body = await request.json()
        upstream.requests.append(body)
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [{"object": "embedding", "index": number, "embedding": [0.5, 0.25]} for number, _ in enumerate(texts)]
        usage = {"prompt_tokens": 5, "total_tokens": 5}
        return _refusal(body["model"], upstream) or JSONResponse(
            {"object": "list", "data": data, "model": body["model"], "usage": usage}
        )

    return app


def _refusal(mode: str, upstream: Upstream) -> Response | None:
    secret = json.dumps({"error": {"message": "SECRET of the upstream"}})
    if mode in {"400", "401", "500"}:
        return Response(secret, int(mode), media_type="application/json")
    if mode == "flaky" and upstream.hits(mode) < 3:
        return Response(secret, 503, {"Retry-After": "0.1"})
    if mode.startswith("429"):
        return Response(secret, 429, {"Retry-After": "0.1" if mode == "429" else "3600"})
    if mode == "long-error":
        return StreamingResponse(_endless(b"x" * 65536), 500)
    return None


async def _whole(body: dict[str, Any], upstream: Upstream) -> Response:
    upstream.open_streams += 1
    try:
        if body["model"] == "slow":
            await asyncio.wait_for(upstream.go_on.wait(), 60)
    finally:
        upstream.open_streams -= 1
    message: dict[str, Any] = {"role": "assistant", "content": TEXT}
    if "tools" in body:
        call = {"name": body["tools"][0]["function"]["name"], "arguments": '{"city": "서울"}'}
        message |= {"content": None, "tool_calls": [{"id": "t1", "type": "function", "function": call}]}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}
    told = {} if body["model"] == "no-usage" else {"usage": usage}
    return JSONResponse(
        {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]} | told
    )


async def _counted(mode: str, upstream: Upstream) -> AsyncIterator[bytes]:
    upstream.open_streams += 1
    try:
        async for frame in _frames(mode, upstream):
            yield frame
    finally:
        upstream.open_streams -= 1


async def _frames(mode: str, upstream: Upstream) -> AsyncIterator[bytes]:  # noqa: PLR0912 - one branch per mode
    match mode:
        case "hang-first":
            yield b": thinking\n\n"
            await asyncio.sleep(60)
        case "nothing":
            yield b"data: [DONE]\n\n"
            return
        case "garbage":
            yield b"\x00\xff<html>what?</html>\n\n" * 20
            return
        case "error-first":
            yield b'data: {"error": {"message": "SECRET"}}\n\n'
            return
        case "megabytes":
            async for frame in _endless(_chunk("x" * 50_000)):
                yield frame
        case "long-line":
            async for frame in _endless(b"data: " + b"x" * 65536):
                yield frame
        case "surrogates":
            for part in ('"\\ud83d"', '"\\ude00 a\\u0000b"'):
                yield b'data: {"choices":[{"index":0,"delta":{"content":%s}}]}\n\n' % part.encode()
        case "endless":
            async for frame in _endless(_chunk("word "), 0.02):
                yield frame
    for number, word in enumerate(WORDS):
        if number == 3:
            if mode == "slow":
                await upstream.go_on.wait()
            if mode == "cut":
                return
            if middle := _MIDDLES.get(mode):
                yield middle
                return
            if mode == "hang-middle":
                await asyncio.sleep(60)
        yield _chunk(word)
        await asyncio.sleep(0.005)
    yield _chunk("", "stop")
    if mode != "no-usage":
        yield _chunk(None, None, {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10})
    yield b"data: [DONE]\n\n"


_MIDDLES = {
    "garbage-middle": b"data: \xff\xfe{{{\n\n",
    "half-json": b'data: {"choices": [\n\n',
    "odd-shapes": b'data: {"choices": [{"delta": {"content": {"no": "text"}}}]}\n\n',
    "error-middle": b'data: {"error": {"message": "SECRET"}}\n\n',
}


async def _endless(frame: bytes, pause: float = 0.0) -> AsyncIterator[bytes]:
    while True:
        yield frame
        await asyncio.sleep(pause)


def _chunk(text: str | None, reason: str | None = None, usage: dict[str, int] | None = None) -> bytes:
    choices = [] if text is None else [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": choices}
    return f"data: {json.dumps(chunk | {'usage': usage})}\n\n".encode()
