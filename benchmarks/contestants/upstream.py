"""A model server that streams as fast as it is read, or at a pace; each chunk says when it left."""

import argparse
import asyncio
import json
import time
from typing import Any

import uvicorn

_TOKENS = {"fast": 1000, "paced": 100}
_PACE_SECONDS = 0.02


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if scope["path"].endswith("/models"):
        listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in _TOKENS]}
        await _answer(send, b"application/json", [json.dumps(listed).encode()])
        return
    await _stream(send, json.loads(body)["model"])


async def _stream(send: Any, model: str) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(_TOKENS[model]):
        await send({"type": "http.response.body", "body": _chunk(number), "more_body": True})
        if model == "paced":
            await asyncio.sleep(_PACE_SECONDS)
        elif number % 50 == 0:
            await asyncio.sleep(0)
    stop = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    await send({"type": "http.response.body", "body": f"data: {json.dumps(stop)}\n\ndata: [DONE]\n\n".encode()})


def _chunk(number: int) -> bytes:
    told = {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "benchmark",
        "choices": [{"index": 0, "delta": {"content": f" token{number}"}, "finish_reason": None}],
        "sent_at": time.monotonic(),
    }
    return f"data: {json.dumps(told)}\n\n".encode()


async def _answer(send: Any, kind: bytes, parts: list[bytes]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    for part in parts:
        await send({"type": "http.response.body", "body": part})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(app, port=parser.parse_args().port, log_level="warning", loop="uvloop")
