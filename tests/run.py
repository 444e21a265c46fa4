"""`make test`: the suite on SQLite and on PostgreSQL, side by side, with what each took."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATABASES = ("sqlite", "postgresql")


def main(arguments: Sequence[str]) -> int:
    started = time.monotonic()
    runs = [(database, _start(database, arguments)) for database in DATABASES]
    codes = []
    for database, process in runs:
        output, _ = process.communicate()
        print(f"\n=== {database}, {time.monotonic() - started:.0f} s ===\n{output}", flush=True)
        codes.append(process.returncode)
    return max(codes)


def _start(database: str, arguments: Sequence[str]) -> "subprocess.Popen[str]":
    environment = {**os.environ, "MADANG_TEST_DATABASE": database}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    pipe, out = subprocess.PIPE, subprocess.STDOUT
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=pipe, stderr=out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
