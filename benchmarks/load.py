"""The load generator: a process of its own on a core of its own.

Takes one JSON job per line, answers one JSON result per line; keeps every family's newest refresh token in between.
Jobs name a port and a kind: `me`, `refresh` or `login` (each connection sends its next request when its last one is
answered), or `storm` (`me` at a fixed rate, timed from the moment each request was due, beside `logins` connections
that sign in without pause).
"""

import asyncio
import itertools
import json
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.client import Connection, Requests, Rotation, Tally, get, sign_in
from benchmarks.processes import cpu_seconds

_WARM_UP_SECONDS = 0.5
_PATIENCE_SECONDS = 30.0
_STORM_CONNECTIONS = 64


class Load:
    """Every kind of load, from the tokens and names in one file of fixtures."""

    def __init__(self, fixtures: dict[str, Any]) -> None:
        self._access: list[str] = fixtures["access"]
        self._names = itertools.cycle(fixtures["names"])
        self._password: str = fixtures["password"]
        self._families: dict[str, list[str]] = fixtures["families"]
        self._rotations: dict[str, list[Requests]] = {}

    async def run(self, job: dict[str, Any]) -> dict[str, Any]:
        if job["kind"] == "storm":
            return await self._storm(job)
        requests = self._requests(job)
        tally = Tally()
        pool = Pool(job["port"], tally)
        await pool.open(requests)
        result = await self._window(job, tally, pool)
        await pool.close()
        return result

    def _requests(self, job: dict[str, Any]) -> list[Requests]:
        kind, path, connections = job["kind"], job["path"], job["connections"]
        if kind == "refresh":
            rotations = self._rotations.setdefault(
                job["family"], [Rotation(path, token) for token in self._families[job["family"]]]
            )
            return rotations[:connections]
        shared = self._me(path) if kind == "me" else self._sign_ins(path)
        return [shared] * connections

    def _me(self, path: str) -> Requests:
        return Requests(itertools.cycle([get(path, token) for token in self._access]))

    def _sign_ins(self, path: str) -> Requests:
        return Requests(sign_in(path, name, self._password) for name in self._names)

    async def _window(self, job: dict[str, Any], tally: Tally, pool: "Pool") -> dict[str, Any]:
        """Warm up, measure for `seconds`, and say what the server and this process spent meanwhile."""
        pool.start()
        await asyncio.sleep(_WARM_UP_SECONDS)
        tally.is_open = True
        server, own, started = cpu_seconds(job["pid"]), time.process_time(), time.perf_counter()
        await asyncio.sleep(job["seconds"])
        window = time.perf_counter() - started
        tally.is_open = False
        spent = cpu_seconds(job["pid"]) - server
        result = tally.summary(window)
        result["client_busy"] = (time.process_time() - own) / window
        result["server_busy"] = spent / window
        result["cpu_us"] = spent / max(1, result["count"]) * 1e6
        return result

    async def _storm(self, job: dict[str, Any]) -> dict[str, Any]:
        reading, signing = Tally(), Tally()
        logins = Pool(job["port"], signing)
        await logins.open([self._sign_ins(job["login_path"])] * job["logins"])
        logins.start()
        await asyncio.sleep(_WARM_UP_SECONDS if job["logins"] else 0)
        reading.is_open = signing.is_open = True
        started = time.perf_counter()
        await self._at_fixed_rate(job, reading)
        window = time.perf_counter() - started
        signing.is_open = False
        result = reading.summary(window)
        result["logins"] = signing.summary(window)
        await logins.close()
        return result

    async def _at_fixed_rate(self, job: dict[str, Any], tally: Tally) -> None:
        """Requests fall due by the clock, whether earlier ones are answered or not; one that waits keeps its time."""
        idle: deque[Connection] = deque()
        waiting: deque[float] = deque()

        def on_idle(connection: Connection) -> None:
            if waiting:
                connection.send(waiting.popleft())
            else:
                idle.append(connection)

        pool = Pool(job["port"], tally, on_idle)
        await pool.open([self._me(job["path"])] * _STORM_CONNECTIONS)
        idle.extend(pool.connections)
        started, total = time.perf_counter(), int(job["rate"] * job["seconds"])
        for number in range(total):
            due = started + number / job["rate"]
            await asyncio.sleep(max(0, due - time.perf_counter()))
            if idle:
                idle.popleft().send(due)
            else:
                waiting.append(due)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while len(idle) < _STORM_CONNECTIONS:  # noqa: ASYNC110 - once, after the measurement
                await asyncio.sleep(0.005)
        await pool.close()


class Pool:
    """Connections that each send their next request as soon as the last one is answered, until told to stop."""

    def __init__(self, port: int, tally: Tally, on_idle: Any = None) -> None:
        self._port, self._tally, self._on_idle = port, tally, on_idle or self._again
        self._is_running = False
        self._busy = 0
        self.connections: list[Connection] = []

    async def open(self, requests: list[Requests]) -> None:
        loop = asyncio.get_running_loop()
        for one in requests:
            make = lambda one=one: Connection(one, self._tally, self._on_idle)  # noqa: E731
            _, connection = await loop.create_connection(make, "127.0.0.1", self._port)
            self.connections.append(connection)

    def start(self) -> None:
        self._is_running, self._busy = True, len(self.connections)
        for connection in self.connections:
            connection.send()

    async def close(self) -> None:
        """Wait for what is under way, so that no family loses its newest token."""
        self._is_running = False
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self._busy and not all(one.is_lost for one in self.connections):  # noqa: ASYNC110 - once, afterwards
                await asyncio.sleep(0.005)
        for connection in self.connections:
            connection.close()

    def _again(self, connection: Connection) -> None:
        if self._is_running:
            connection.send()
        else:
            self._busy -= 1


async def main() -> None:
    load = Load(json.loads(Path(sys.argv[1]).read_text()))  # noqa: ASYNC240 - before anything is measured
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await load.run(json.loads(line))), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
