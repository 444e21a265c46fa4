"""Who takes part in which scenario, and what one turn of a round does."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from benchmarks.processes import Process

Contestants: TypeAlias = dict[str, Process]
_STORM_FACTOR = 3  # a p99 needs a thousand requests, so its turns are longer

COMMANDS: dict[str, tuple[list[str], bool]] = {
    "ceiling": (["benchmarks.contestants.ceiling", "--port", "{port}"], False),
    "bare": (["benchmarks.contestants.bare", "--port", "{port}"], False),
    "bare-remembers": (["benchmarks.contestants.bare", "--port", "{port}", "--remember"], False),
    "fastapi": (["benchmarks.contestants.framework", "--port", "{port}"], False),
    "fastapi-remembers": (["benchmarks.contestants.framework", "--port", "{port}", "--remember"], False),
    "fastapi-defaults": (["benchmarks.contestants.framework", "--port", "{port}", "--defaults"], False),
    "hash": (["benchmarks.contestants.hash_limit"], True),
    "product": (["madang", "serve", "--port", "{port}"], False),
}


@dataclass(frozen=True)
class Turn:
    """One contestant's turn: which process, which load."""

    label: str
    process: str
    kind: str
    path: str = "/me"

    def play(self, given: argparse.Namespace, contestants: Contestants, load: Process) -> dict[str, Any]:
        process = contestants[self.process]
        if self.kind == "hash":
            done = process.ask({"seconds": given.seconds, "at_once": given.logins})
            return {**done, "rate": done["count"] / done["seconds"]}
        job = {"kind": self.kind, "port": process.port, "pid": process.pid, "path": self.path, "seconds": given.seconds}
        if self.kind == "storm":
            storm = {"login_path": "/api/v1/accounts/token", "rate": given.rate}
            logins = given.logins if self.label == "storm" else 0
            return load.ask({**job, **storm, "logins": logins, "seconds": given.seconds * _STORM_FACTOR})
        connections = given.logins if self.kind == "login" else given.connections
        return load.ask({**job, "connections": connections, "family": self.process})


SCENARIOS: dict[str, tuple[Turn, ...]] = {
    "me": (
        Turn("load generator's ceiling", "ceiling", "me"),
        Turn("bare", "bare", "me"),
        Turn("bare, remembers", "bare-remembers", "me"),
        Turn("FastAPI", "fastapi", "me"),
        Turn("FastAPI, remembers", "fastapi-remembers", "me"),
        Turn("FastAPI, pool defaults", "fastapi-defaults", "me"),
        Turn("product", "product", "me", "/api/v1/accounts/me"),
    ),
    "login": (
        Turn("hash alone", "hash", "hash"),
        Turn("product", "product", "login", "/api/v1/accounts/token"),
    ),
    "refresh": (
        Turn("bare", "bare", "refresh", "/refresh"),
        Turn("product", "product", "refresh", "/api/v1/accounts/refresh"),
    ),
    "storm": (
        Turn("idle", "product", "storm", "/api/v1/accounts/me"),
        Turn("storm", "product", "storm", "/api/v1/accounts/me"),
    ),
}


def commands_for(scenarios: Iterable[str]) -> list[tuple[str, list[str], bool]]:
    """The processes those scenarios need, each once: its name, its command, whether it talks over pipes."""
    needed = {turn.process for name in scenarios for turn in SCENARIOS[name]}
    return [(name, command, talks) for name, (command, talks) in COMMANDS.items() if name in needed]
