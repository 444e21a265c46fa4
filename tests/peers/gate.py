"""A gate before a server: open it lets connections through, shut it cuts them and refuses new ones, held it keeps what
arrives, as a server that hangs would."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from threading import Thread

from tests.servers import free_port


class Gate:
    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.port = free_port()

    def hold(self) -> None:
        self._flowing.clear()

    def go_on(self) -> None:
        self._flowing.set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)

    async def shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _pass(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            beyond_reader, beyond_writer = await asyncio.open_connection(*self._target)
            ways = [self._carry(reader, beyond_writer), self._carry(beyond_reader, writer)]
            try:
                await asyncio.gather(*ways)
            finally:
                beyond_writer.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._passing.discard(task)

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
            writer.write_eof()


@asynccontextmanager
async def gate(host: str, port: int) -> AsyncIterator[Gate]:
    made = Gate(host, port)
    await made.open()
    try:
        yield made
    finally:
        await made.shut()


class ThreadedGate:
    """A gate that works beside whatever blocks the test's own loop."""

    def __init__(self, gate: Gate, loop: asyncio.AbstractEventLoop) -> None:
        self._gate = gate
        self._loop = loop
        self.port = gate.port

    def hold(self) -> None:
        self._loop.call_soon_threadsafe(self._gate.hold)

    def go_on(self) -> None:
        self._loop.call_soon_threadsafe(self._gate.go_on)


@contextmanager
def threaded_gate(host: str, port: int) -> Iterator[ThreadedGate]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = Gate(host, port)
    asyncio.run_coroutine_threadsafe(made.open(), loop).result(10)
    try:
        yield ThreadedGate(made, loop)
    finally:
        asyncio.run_coroutine_threadsafe(made.shut(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
