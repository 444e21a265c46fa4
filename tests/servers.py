"""The application served on a real socket: in this process, or in one of its own that can be killed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx2
import uvicorn
from fastapi import FastAPI

from madang.app import create_app
from madang.settings import Settings
from madang.worker import working


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[str, FastAPI]]:
    """Serve in this event loop; yields the base URL and the application."""
    app = create_app(settings, beside=working)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, access_log=False, log_level="error", proxy_headers=False, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", app
    finally:
        app.state.running.stopping.set()
        server.should_exit = True
        await task


@asynccontextmanager
async def visiting(settings: Settings, **changes: object) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server with changed settings."""
    changed = settings.model_copy(update=changes)
    async with serving(changed) as (url, _), httpx2.AsyncClient(base_url=url, timeout=60) as client:
        yield client


class ServerProcess:
    """`madang serve` as a process of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._environment = {**os.environ, "MADANG_DATA_DIR": str(folder / "var"), **environment}
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"

    def start(self) -> None:
        command = [sys.executable, "-m", "madang", "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=log, stderr=log)
        self._wait_until_ready()

    def kill(self) -> None:
        """As a power cut would: no handler runs."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, sign: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(sign)
            self._process.wait(30)
            self._process = None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            try:
                if httpx2.get(f"{self.url}/health/ready", trust_env=False).status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not become ready:\n{self.log.read_text()}")


@contextmanager
def server_process(folder: Path, **environment: str) -> Iterator[ServerProcess]:
    process = ServerProcess(folder, environment)
    process.start()
    try:
        yield process
    finally:
        process.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
