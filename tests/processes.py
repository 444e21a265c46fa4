"""Looks at processes through procfs, so that tests can tell who lives and who must not."""

import time
from pathlib import Path

import pytest


def descendants(pid: int, containing: str) -> set[int]:
    """Living children of a process, whose command line contains the text; skips the test without procfs."""
    if not Path("/proc/self/task").exists():
        pytest.skip("processes are watched through procfs")
    found: set[int] = set()
    for child in _children(pid):
        if containing in _command(child):
            found.add(child)
        found |= descendants(child, containing)
    return found


def wait_until_gone(pids: set[int], seconds: float) -> set[int]:
    """Those still alive after at most so long."""
    deadline = time.monotonic() + seconds
    while (living := {pid for pid in pids if _is_alive(pid)}) and time.monotonic() < deadline:
        time.sleep(0.02)
    return living


def _children(pid: int) -> set[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return {int(child) for task in tasks for child in (task / "children").read_text().split()}
    except OSError:
        return set()


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _is_alive(pid: int) -> bool:
    """A zombie is dead: only its parent has not looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
