"""An installation in a folder of its own, and its commands."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

Done = subprocess.CompletedProcess[str]


@dataclass
class Installation:
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "var"

    def run(self, *arguments: str, stdin: str | bytes = "", **environment: str) -> Done:
        given = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [sys.executable, "-m", "madang", *arguments],
            cwd=self.folder,
            env=self._environment(environment),
            input=given,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Done(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MADANG_")}
        own = {"MADANG_DATA_DIR": str(self.data), "MADANG_OLLAMA_URL": "none"}
        return {**inherited, **own, **self.environment, **more}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """SQLite in an empty folder."""
    return Installation(tmp_path)


@pytest.fixture
def migrated(tmp_path: Path, database_url: str) -> Installation:
    """On the database that the suite runs on, migrated and empty."""
    return Installation(tmp_path, {"MADANG_DATABASE_URL": database_url})
