"""The shortest relay that FastAPI and httpx2 make: bytes in, bytes out; no accounts, no counting, nothing stored."""

import argparse
from collections.abc import AsyncIterator

import httpx2
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse


def make(upstream: str) -> FastAPI:
    app, client = FastAPI(), httpx2.AsyncClient(timeout=60, trust_env=False)

    @app.post("/v1/chat/completions")
    async def relay(request: Request) -> StreamingResponse:
        body = await request.body()

        async def chunks() -> AsyncIterator[bytes]:
            headers = {"Content-Type": "application/json"}
            async with client.stream("POST", f"{upstream}/chat/completions", content=body, headers=headers) as answer:
                async for line in answer.aiter_lines():
                    if line:
                        yield line.encode() + b"\n\n"

        return StreamingResponse(chunks(), media_type="text/event-stream")

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    given = parser.parse_args()
    uvicorn.run(make(given.upstream), port=given.port, log_level="warning", loop="uvloop")
