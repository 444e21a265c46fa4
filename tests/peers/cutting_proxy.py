"""A proxy that cuts a connection after so many bytes of an answer, as a network may."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

_BLOCK = 1 << 16


class CuttingProxy:
    """`cuts` more answers end after `after` bytes, the others pass whole."""

    def __init__(self, target: str) -> None:
        self._host, self._port = urlsplit(target).hostname, urlsplit(target).port
        self._serving: set[asyncio.Task[None]] = set()
        self.url = ""
        self.after = 0
        self.cuts = 0

    def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def stop(self) -> None:
        tasks = list(self._serving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        beyond, forward = await asyncio.open_connection(self._host, self._port)
        directions = {
            asyncio.create_task(self._ask(reader, forward)),
            asyncio.create_task(self._answer(beyond, writer)),
        }
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            for end in (writer, forward):
                end.transport.abort()
            await asyncio.gather(*directions, return_exceptions=True)

    async def _ask(self, reader: StreamReader, forward: StreamWriter) -> None:
        with suppress(ConnectionError):
            while block := await reader.read(_BLOCK):
                forward.write(block)
                await forward.drain()

    async def _answer(self, beyond: StreamReader, writer: StreamWriter) -> None:
        passed = 0
        with suppress(ConnectionError):
            while block := await beyond.read(_BLOCK):
                writer.write(block)
                await writer.drain()
                passed += len(block)
                if self.cuts and passed >= self.after:
                    self.cuts -= 1
                    return


@asynccontextmanager
async def cutting_proxy(target: str) -> AsyncIterator[CuttingProxy]:
    proxy = CuttingProxy(target)
    async with await asyncio.start_server(proxy.accept, "127.0.0.1", 0) as server:
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield proxy
        finally:
            await proxy.stop()
