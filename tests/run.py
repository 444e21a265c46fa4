"""`make test`: the suite on SQLite and on PostgreSQL, side by side, with what each took. What touches no database, or
is not about what is stored, runs once, beside SQLite, which is the quicker one."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Each run does two tests at once: most of them wait for servers.
DATABASES = ("sqlite", "postgresql")
AT_ONCE = "2"
FIRST = "sqlite"
ONCE = (
    "tests/speech",
    "tests/subtitles",
    "tests/backends",
    "tests/admin/test_upstreams.py",
    "tests/chat/test_openai.py",
    "tests/cli/test_caption.py",
    "tests/cli/test_commands.py",
    "tests/cli/test_keys.py",
    "tests/cli/test_ollama.py",
    "tests/cli/test_users.py",
    "tests/cli/test_users_import.py",
    "tests/http/test_body_size.py",
    "tests/http/test_client_address.py",
    "tests/http/test_csrf.py",
    "tests/http/test_docs.py",
    "tests/http/test_events.py",
    "tests/http/test_headers.py",
    "tests/http/test_limits.py",
    "tests/http/test_mail_pages.py",
    "tests/http/test_problems.py",
    "tests/media/test_on_s3.py",
    "tests/media/test_s3_outage.py",
    "tests/privacy/test_on_s3.py",
    "tests/test_first_minute.py",
    "tests/house/test_openapi.py",
    "tests/house/test_problems.py",
    "tests/house/test_promises.py",
    "tests/house/test_rules.py",
)


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
    once = [f"--ignore={path}" for path in ONCE] if database != FIRST else []
    quiet = ["-q", "-p", "no:cacheprovider", "--durations=15", "-n", AT_ONCE]
    command = [sys.executable, "-m", "pytest", *quiet, *once, *arguments]
    pipe, out = subprocess.PIPE, subprocess.STDOUT
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stdout=pipe, stderr=out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
