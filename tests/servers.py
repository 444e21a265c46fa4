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


class MadangProcess:
    """One of the commands that run until they are stopped, as a process of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], *arguments: str) -> None:
        own = {"MADANG_DATA_DIR": str(folder / "var"), "MADANG_OLLAMA_URL": "none"}
        self._environment = {**os.environ, **own, **environment}
        self._folder = folder
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / f"{arguments[0]}.log"

    def start(self) -> None:
        command = [sys.executable, "-m", "madang", *self._arguments]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self._is_ready():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"it did not become ready:\n{self.log.read_text()}"
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

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

    def _is_ready(self) -> bool:
        return "worker started" in self.log.read_text()


class ServerProcess(MadangProcess):
    """`madang serve`; ready once it says so."""

    def __init__(self, folder: Path, environment: dict[str, str], *options: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(folder, environment, "serve", "--port", str(self.port), *options)
        self.log = folder / "server.log"

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/health/ready", trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False


@contextmanager
def server_process(folder: Path, *options: str, **environment: str) -> Iterator[ServerProcess]:
    process = ServerProcess(folder, environment, *options)
    process.start()
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def worker_process(folder: Path, **environment: str) -> Iterator[MadangProcess]:
    process = MadangProcess(folder, environment, "worker")
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
