"""`madang serve`: the application, with the worker beside it."""

import asyncio
import gc
import socket
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from madang.accounts.deps import build_accounts
from madang.app import Beside, create_app
from madang.backends import open_backends
from madang.cli.installation import bring_schema_up, hold_data, look_for_models, read_settings
from madang.cli.logging import configure_logging
from madang.cli.supervisor import Supervisor
from madang.cli.worker import refuse_embedded
from madang.kit.secrets import Keyring
from madang.sessions.deps import setup_code
from madang.settings import BadSettings, Settings
from madang.worker import leaving_work_to_others, working

_FAREWELL_SECONDS = 10


class _Server(uvicorn.Server):
    """Tells the application that it is stopping, so that `/health/ready` says so, open event streams end and readers
    go elsewhere; goes on answering for the drain time, in which balancers learn of it."""

    def __init__(self, config: uvicorn.Config, drain: int) -> None:
        super().__init__(config)
        self._drain = drain
        self._is_draining = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then leave what start-up made out of every later garbage collection.

        It is 160,000 objects that live as long as the process; walking them stopped every request for 100 ms about
        once a second under load.
        """
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the drain; a second one cuts it short."""
        state = getattr(self.config.app, "state", None)
        if state is not None and hasattr(state, "running"):
            state.running.stopping.set()
        if self._drain and self.started and not self._is_draining:
            self._is_draining = True
            loop = asyncio.get_running_loop()
            loop.call_soon_threadsafe(loop.call_later, self._drain, self.handle_exit, sig, None)
            return
        super().handle_exit(sig, frame)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    with_worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Without, leave events and jobs to `madang worker`.")
    ] = True,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the port; one per core.")] = 1,
    fd: Annotated[int | None, typer.Option(hidden=True, help="An inherited socket, of one of several workers.")] = None,
) -> None:
    """Serve the whole product; with no settings at all it keeps everything in one folder."""
    settings = read_settings()
    look_for_models(settings)
    configure_logging(settings)
    if not with_worker:
        refuse_embedded(settings, "madang serve --no-worker")
    if workers > 1:
        refuse_embedded(settings, "madang serve --workers")
    beside = working if with_worker else leaving_work_to_others
    with hold_data(settings):
        if fd is not None:
            _run(settings, host, port, beside, socket.socket(fileno=fd))
            return
        asyncio.run(_prepare(settings, host, port))
        if workers == 1:
            _run(settings, host, port, beside)
            return
    option = "--worker" if with_worker else "--no-worker"
    with _listening(host, port) as listener:
        raise typer.Exit(asyncio.run(Supervisor(["serve", option], listener, workers).run()))


def _run(settings: Settings, host: str, port: int, beside: Beside, inherited: socket.socket | None = None) -> None:
    config = _server_config(settings, host, port, beside)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_Server(config, settings.drain).serve([inherited] if inherited else None))


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise BadSettings(f"--host {host} --port {port}: {error.strerror or error}") from None


async def _prepare(settings: Settings, host: str, port: int) -> None:
    await bring_schema_up(settings)
    await _greet(settings, host, port)


def _server_config(settings: Settings, host: str, port: int, beside: Beside) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(settings, beside=beside),
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_FAREWELL_SECONDS,
    )


async def _greet(settings: Settings, host: str, port: int) -> None:
    address = settings.public_url or f"http://{'localhost' if host == '127.0.0.1' else host}:{port}"
    typer.echo(f"\n  Madang  {address}   (API: {address}/docs)")
    async with open_backends(settings) as backends, backends.database.read_unit() as session:
        if settings.llm_url.startswith(settings.ollama_url):
            typer.echo("  Ollama answers the chat (MADANG_OLLAMA_URL=none leaves it alone)")
        if not await build_accounts(session).has_admin():
            typer.echo(f"  One-time code for the first administrator: {setup_code(Keyring(settings.secrets))}")
    typer.echo("")
