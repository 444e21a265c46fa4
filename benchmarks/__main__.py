"""`python -m benchmarks`: make a database, start everybody, measure in interleaved rounds, print ratios and goals."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.database import own_database, postgresql_server
from benchmarks.fixtures import environment_of, prepare
from benchmarks.processes import LOAD_CORE, SERVER_CORE, Process, running
from benchmarks.report import render, summarise
from benchmarks.scenarios import SCENARIOS, Contestants, commands_for

KINDS = tuple(SCENARIOS)
_WARM_UP_SECONDS = 2.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="{me,login,refresh,storm}", help="all when none is named")
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=2_000, help="distinct access tokens of `me`")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="measured seconds per contestant and round")
    parser.add_argument("--connections", type=int, default=16, help="of `me` and `refresh`")
    parser.add_argument("--logins", type=int, default=8, help="sign-ins at once, of `login` and `storm`")
    parser.add_argument("--rate", type=float, default=100.0, help="`me` per second during `storm`")
    parser.add_argument("--json", type=Path, help="also write everything measured to this file")
    parser.add_argument("--keep", action="store_true", help="keep the database and print its URL")
    parser.add_argument("--hold", action="store_true", help="start everybody, print ports and pids, wait for Enter")
    given = parser.parse_args()
    unknown = set(given.scenarios) - set(KINDS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(KINDS)}")
    given.scenarios = given.scenarios or list(KINDS)
    return given


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as name, postgresql_server(Path(name)) as server:
        with database(server, Path(name), keep=given.keep) as url:
            results = measure(given, url, Path(name))
        if given.keep:
            print(f"kept: {url}")
    summary = summarise(results)
    print(render(summary, given))
    if given.json:
        given.json.write_text(json.dumps({"settings": vars(given), **summary}, indent=2, default=str))


@contextmanager
def database(server: str, folder: Path, *, keep: bool) -> Iterator[str]:
    with asyncio.Runner() as loop:
        opened = own_database(server, folder, keep=keep)
        url = loop.run(opened.__aenter__())
        try:
            yield url
        finally:
            loop.run(opened.__aexit__(None, None, None))


def measure(given: argparse.Namespace, url: str, folder: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Every round of every scenario, by scenario and contestant."""
    fixtures = asyncio.run(prepare(url, given, folder))
    environment = environment_of(url, fixtures, folder)
    with ExitStack() as stack:
        contestants: Contestants = {}
        for label, command, talks in commands_for(given.scenarios):
            process = Process(command, SERVER_CORE, folder, environment)
            contestants[label] = stack.enter_context(running(process, talks=talks))
        load = Process(["benchmarks.load", str(fixtures.path)], LOAD_CORE, folder, environment)
        stack.enter_context(running(load, talks=True))
        if given.hold:
            for label, process in contestants.items():
                print(f"{label}: port {process.port}, pid {process.pid}, log {process.log}")
            input("Enter ends this. ")
        return {name: rounds(name, given, contestants, load) for name in given.scenarios}


def rounds(
    name: str, given: argparse.Namespace, contestants: Contestants, load: Process
) -> dict[str, list[dict[str, Any]]]:
    """A B C A B C …, so that a disturbance hits everybody alike; a short round before is not counted.

    In it caches fill: prepared statements, compiled queries, and the signatures of those that remember them.
    """
    turns = SCENARIOS[name]
    for turn in turns:
        _tell(f"{name} warm-up: {turn.label}")
        turn.play(argparse.Namespace(**{**vars(given), "seconds": _WARM_UP_SECONDS}), contestants, load)
    results: dict[str, list[dict[str, Any]]] = {turn.label: [] for turn in turns}
    for number in range(given.rounds):
        for turn in turns:
            _tell(f"{name} round {number + 1}/{given.rounds}: {turn.label}")
            results[turn.label].append(turn.play(given, contestants, load))
    _tell("")
    return results


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<70}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
