"""Every call of the API document, with good and bad input by schemathesis: no 5xx, and no answer that the document
does not name. Deterministic, so that a failure is a change of ours."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from madang.kit.secrets import Keyring
from madang.sessions.deps import setup_code
from madang.settings import Limits
from tests.databases import TestDatabases
from tests.factories import PASSWORD, SECRET
from tests.servers import ServerProcess, server_process

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,unsupported_method,allow_header_conformance"
)
EXAMPLES = 12
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, databases: TestDatabases) -> Iterator[ServerProcess]:
    """A server with limits too wide to be met, and its first administrator."""
    limits = {f"MADANG_LIMITS__{name.upper()}": "1000000/minute" for name in Limits.model_fields if name != "enabled"}
    with (
        databases.copy() as url,
        server_process(
            tmp_path_factory.mktemp("fuzz"), MADANG_SECRET_KEY=SECRET, MADANG_DATABASE_URL=url, **limits
        ) as server,
    ):
        body = {"code": setup_code(Keyring([SECRET])), "account_id": "admin", "password": PASSWORD}
        assert httpx2.post(f"{server.url}/api/v1/setup", json=body, trust_env=False, timeout=30).status_code == 201
        yield server


def _fuzz(server: ServerProcess, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Every call of the document, with what is made up for it."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json", "--checks", CHECKS]
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--generation-deterministic"]
    command += ["--continue-on-failure", "--request-timeout", "60", "--no-color"]
    return subprocess.run(
        [*command, "--warnings", "off"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{ROOT}", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.timeout(660)
def test_signed_out(everything: ServerProcess, databases: TestDatabases, tmp_path: Path) -> None:
    """On SQLite alone: whoever is signed out gets nowhere near what is stored."""
    with databases.copy() as url:
        if not url.startswith("sqlite"):
            pytest.skip("runs beside SQLite")
    done = _fuzz(everything, tmp_path)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "Tested:" in done.stdout, done.stdout


@pytest.mark.timeout(660)
def test_signed_in(everything: ServerProcess, databases: TestDatabases, tmp_path: Path) -> None:
    """On PostgreSQL, which refuses more values than SQLite does; on SQLite where there is no other."""
    with databases.copy() as url:
        if url.startswith("sqlite") and os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.skip("runs beside PostgreSQL")
    account = {"FUZZ_URL": everything.url, "FUZZ_ACCOUNT": "admin", "FUZZ_PASSWORD": PASSWORD}
    done = _fuzz(everything, tmp_path, SCHEMATHESIS_HOOKS="tests.fuzzing", **account)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "Tested:" in done.stdout, done.stdout
