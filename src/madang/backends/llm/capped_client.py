"""The outbound client as the model's adapter sees it: no body of an upstream may fill this process's memory."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2

LONGEST_LINE = 1 << 20
LONGEST_BODY = 64 << 20


class TooManyBytes(Exception):
    """The upstream sent a line or a body beyond all reason."""


class CappedClient(httpx2.AsyncClient):
    """Sends through `outbound`, whose pool it shares, and counts what comes back, errors' bodies included."""

    def __init__(self, outbound: httpx2.AsyncClient) -> None:
        super().__init__(transport=_NoTransport(), timeout=outbound.timeout)
        self._outbound = outbound

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        response = await self._outbound.send(request, stream=True, **options)
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - an async client gives no other
        response.stream = _CappedStream(response.stream)
        if not stream:
            await _read(response)
        return response


async def _read(response: httpx2.Response) -> None:
    try:
        await response.aread()
    except BaseException:
        await response.aclose()
        raise


class _NoTransport(httpx2.AsyncBaseTransport):
    """Spares the TLS context of a pool that is never used."""


class _CappedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        line = body = 0
        async for chunk in self._inner:
            end = chunk.rfind(b"\n")
            line = line + len(chunk) if end < 0 else len(chunk) - end - 1
            body += len(chunk)
            if line > LONGEST_LINE or body > LONGEST_BODY:
                raise TooManyBytes
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
