"""Processes of a measurement: each pinned to a core, told apart by what they spend there."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import madang

SERVER_CORE = 0
LOAD_CORE = 1
_PATIENCE_SECONDS = 30.0
_ROOT = Path(__file__).parents[1]


class Process:
    """A Python module run on one core; its output goes to a file beside the data."""

    def __init__(self, command: list[str], core: int, folder: Path, environment: Mapping[str, str]) -> None:
        self.port = _free_port()
        self.log = folder / f"{'-'.join(command).replace('/', '_')[-60:]}-{self.port}.log"
        self._core = core
        self._folder = folder
        self._environment = {**os.environ, **environment, "PYTHONPATH": _import_path()}
        self._command = [sys.executable, "-m", *(part.format(port=self.port) for part in command)]
        self._child: subprocess.Popen[str]

    @property
    def pid(self) -> int:
        return self._child.pid

    def start(self, *, talks: bool = False) -> None:
        """Start it on its core; one that `talks` answers lines on its standard streams."""
        stream = subprocess.PIPE if talks else None
        with self.log.open("w") as log:
            self._child = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=stream,
                stdout=stream or log,
                stderr=log,
                text=True,
            )
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._child.pid, {self._core})

    def wait_for_port(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{' '.join(self._command)} did not listen:\n{self.log.read_text()[-2000:]}")

    def ask(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Send one job as a line and wait for the line that answers it."""
        given, taken = self._stream(self._child.stdin), self._stream(self._child.stdout)
        given.write(json.dumps(job) + "\n")
        given.flush()
        line = taken.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self._command)} ended:\n{self.log.read_text()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        self._child.terminate()
        try:
            self._child.wait(15)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    @staticmethod
    def _stream(stream: IO[str] | None) -> IO[str]:
        assert stream is not None, "started without talks=True"
        return stream


@contextmanager
def running(process: Process, *, talks: bool = False) -> Iterator[Process]:
    process.start(talks=talks)
    try:
        if not talks:
            process.wait_for_port()
        yield process
    finally:
        process.stop()


def cpu_seconds(pid: int) -> float:
    """What a process has spent on the processor in all its threads, user and system; 0 where /proc is missing."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _import_path() -> str:
    """This folder's parent and the package under test, both absolute, since the processes run in a folder of theirs."""
    return os.pathsep.join((str(_ROOT), str(Path(madang.__file__).parents[1])))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
