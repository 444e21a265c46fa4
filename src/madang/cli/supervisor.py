"""Several server processes behind one listening socket: started together, replaced when one dies, stopped together."""

import asyncio
import signal
import socket
import sys
import time

import structlog

log = structlog.get_logger("madang.serve")
_RESTART_SECONDS = 1.0
_YOUNG_SECONDS = 10.0
_GIVE_UP_AFTER = 5


class Supervisor:
    """Keeps `count` processes of `python -m madang …`, each of which inherits the socket as `--fd`."""

    def __init__(self, arguments: list[str], listener: socket.socket, count: int) -> None:
        self._command = [sys.executable, "-m", "madang", *arguments, "--fd", str(listener.fileno())]
        self._listener = listener
        self._count = count
        self._children: set[asyncio.subprocess.Process] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Until a signal, which is passed on to each; returns the exit code: 1 when one can't be kept alive."""
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, self._stop, sign)
        return max(await asyncio.gather(*(self._keep() for _ in range(self._count))))

    def _stop(self, sign: signal.Signals) -> None:
        self._stopping.set()
        for child in self._children:
            child.send_signal(sign)

    async def _keep(self) -> int:
        died_young = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            code = await self._run_one()
            if self._stopping.is_set():
                break
            died_young = died_young + 1 if time.monotonic() - started < _YOUNG_SECONDS else 0
            log.warning("a server process ended; starting another", code=code)
            if died_young == _GIVE_UP_AFTER:
                log.error("server processes end as soon as they start; giving up")
                self._stop(signal.SIGTERM)
                return 1
            await asyncio.sleep(_RESTART_SECONDS)
        return 0

    async def _run_one(self) -> int:
        # In a session of its own: a terminal's Ctrl-C would come twice, and the second signal cuts the drain short.
        child = await asyncio.create_subprocess_exec(
            *self._command, pass_fds=[self._listener.fileno()], start_new_session=True
        )
        self._children.add(child)
        if self._stopping.is_set():  # the signal came while it was being started
            child.send_signal(signal.SIGTERM)
        try:
            return await child.wait()
        finally:
            self._children.discard(child)
