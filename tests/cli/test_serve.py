"""`madang serve`: one process a folder, data that stays, and the first administrator."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from typer.testing import CliRunner

from madang.cli import app
from madang.sessions.deps import setup_code
from tests.cli.conftest import Installation
from tests.factories import PASSWORD
from tests.servers import ServerProcess, free_port, server_process

ACCOUNTS = "/api/v1/accounts"
PRODUCTION = {
    "MADANG_ENV": "production",
    "MADANG_PUBLIC_URL": "https://madang.example",
    "MADANG_SECRET_KEY": "0123456789abcdef" * 4,
    "MADANG_MAIL_URL": "none",
    "MADANG_LLM_URL": "none",
}


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process(tmp_path) as process:
        yield process


def set_up(url: str, code: str, account_id: str = "founder") -> httpx2.Response:
    body = {"code": code, "account_id": account_id, "password": PASSWORD}
    return httpx2.post(f"{url}/api/v1/setup", json=body, trust_env=False, timeout=30)


def printed_code(serving: ServerProcess) -> str:
    found = re.search(r"administrator: (\S+)", serving.log.read_text())
    assert found, serving.log.read_text()
    return found[1]


def test_a_second_server_on_the_same_data_is_refused(serving: ServerProcess, installation: Installation) -> None:
    second = installation.run("serve", "--port", str(free_port()))
    assert second.returncode == 2
    assert "another Madang is running" in second.stderr
    assert str(installation.data) in second.stderr
    assert "MADANG_DATABASE_URL" in second.stderr
    assert "Traceback" not in second.stderr
    assert httpx2.get(f"{serving.url}/health/ready", trust_env=False).status_code == 200


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_second_start_keeps_everything(serving: ServerProcess, end: str) -> None:
    with httpx2.Client(base_url=serving.url, trust_env=False, timeout=30) as client:
        body = {"account_id": "keeper", "password": PASSWORD}
        assert client.post(ACCOUNTS, json=body).status_code == 201
        form = {"username": "keeper", "password": PASSWORD, "scope": "profile offline_access"}
        tokens = client.post(f"{ACCOUNTS}/token", data=form).json()
    getattr(serving, end)()
    serving.start()
    with httpx2.Client(base_url=serving.url, trust_env=False, timeout=30) as client:
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        me = client.get(f"{ACCOUNTS}/me", headers=headers)
        assert me.json()["account_id"] == "keeper"
        refreshed = client.post(f"{ACCOUNTS}/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert refreshed.status_code == 200
    assert PASSWORD not in serving.log.read_text()
    assert "Traceback" not in serving.log.read_text()


def test_the_printed_code_makes_one_administrator(serving: ServerProcess) -> None:
    code = printed_code(serving)
    wrong = set_up(serving.url, "AAAA-AAAA-AAAA-AAAA")
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong-setup-code")
    made = set_up(serving.url, f" {code.lower()} ")
    assert (made.status_code, made.json()["role"]) == (201, "Admin")
    again = set_up(serving.url, code, "usurper")
    assert (again.status_code, again.json()["code"]) == (404, "setup-closed")
    assert set_up(serving.url, "AAAA-AAAA-AAAA-AAAA").status_code == 404, "no oracle for the code either"
    serving.stop()
    serving.log.unlink()
    serving.start()
    assert "administrator" not in serving.log.read_text()


async def test_of_parallel_set_ups_one_wins(client: httpx2.AsyncClient, server: tuple[str, Any]) -> None:
    code = setup_code(server[1].state.running.keyring)
    bodies = [{"code": code, "account_id": f"founder{number}", "password": PASSWORD} for number in range(6)]
    answers = await asyncio.gather(*(client.post("/api/v1/setup", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [404] * 5
    exist = [(await client.get(f"{ACCOUNTS}/exist/founder{number}")).json()["exists"] for number in range(6)]
    assert exist.count(True) == 1


def test_a_taken_port_is_said_and_nothing_else(serving: ServerProcess, tmp_path: Path) -> None:
    other = Installation(tmp_path / "other")
    other.folder.mkdir()
    done = other.run("serve", "--port", str(serving.port))
    assert done.returncode != 0
    assert "address already in use" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_stopped_server_ends_in_good_order(serving: ServerProcess) -> None:
    process = serving._process
    assert process is not None
    serving.stop()
    assert process.returncode in {0, -15}
    assert "Traceback" not in serving.log.read_text()
    with pytest.raises(httpx2.TransportError):
        httpx2.get(serving.url, trust_env=False)


def test_production_serves_no_http_address(installation: Installation) -> None:
    done = installation.run("serve", **{**PRODUCTION, "MADANG_PUBLIC_URL": "http://madang.example"})
    assert done.returncode == 2
    assert "MADANG_PUBLIC_URL" in done.stderr
    assert PRODUCTION["MADANG_SECRET_KEY"] not in done.stderr
    assert not installation.data.exists(), "nothing is made before the settings are known to be fit"


def test_production_refuses_an_old_schema_and_names_the_command(migrated: Installation) -> None:
    url = migrated.environment["MADANG_DATABASE_URL"]
    if url.startswith("sqlite"):
        pytest.skip("SQLite migrates at start in production too")
    asyncio.run(forget_revision(url))
    refused = migrated.run("serve", "--port", str(free_port()), **PRODUCTION)
    assert refused.returncode == 2
    assert "madang migrate" in refused.stderr
    assert "Traceback" not in refused.stderr


async def forget_revision(url: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute("DELETE FROM alembic_version")
    await connection.close()


def test_production_on_a_current_schema_serves(migrated: Installation) -> None:
    with server_process(migrated.folder, **migrated.environment, **PRODUCTION) as process:
        answer = httpx2.get(f"{process.url}/health/ready", trust_env=False)
    assert answer.status_code == 200
    assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize("command", ["serve", "migrate", "users", "doctor"])
def test_without_a_database_a_command_says_so(installation: Installation, command: str) -> None:
    arguments = ["users", "create", "somebody", "--password-stdin"] if command == "users" else [command]
    url = f"postgresql://me:hunter2@127.0.0.1:{free_port()}/nowhere"
    done = installation.run(*arguments, stdin=PASSWORD, MADANG_DATABASE_URL=url)
    assert done.returncode == 1
    shown = done.stdout + done.stderr
    assert "does not answer" in shown
    assert "MADANG_DATABASE_URL" in shown
    assert "Traceback" not in shown
    assert "hunter2" not in shown


def test_help_tells_of_every_command() -> None:
    top = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120", "NO_COLOR": "1"})
    assert top.exit_code == 0
    for name in ("serve", "migrate", "doctor", "openapi", "users"):
        assert name in top.output
        shown = CliRunner().invoke(app, [name, "--help"])
        assert (shown.exit_code, "Usage:" in shown.output) == (0, True)
    assert CliRunner().invoke(app, ["no-such-command"]).exit_code == 2
    assert "create" in CliRunner().invoke(app, ["users", "--help"]).output
