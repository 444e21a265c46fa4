"""`migrate`, `users`, `doctor`, `openapi`: what they do, what they say, how they exit."""

import json
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from madang.cli import app
from madang.cli.installation import read_settings
from madang.db.session import Database
from madang.kit.hashing import PasswordHasher
from tests.cli.conftest import Installation
from tests.factories import PASSWORD
from tests.peers.s3_server import SECRET_KEY, S3Server, new_bucket, storage_url

CREATE = ("users", "create")


def create(installation: Installation, *arguments: str, password: str = PASSWORD) -> tuple[int, str]:
    done = installation.run(*CREATE, *arguments, "--password-stdin", stdin=password)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


async def accounts(database: Database) -> list[tuple[str, str, str | None, str]]:
    async with database.read_unit() as session:
        statement = "SELECT account_id, role, email, password_hash FROM accounts ORDER BY account_id"
        return [tuple(row) for row in await session.execute(text(statement))]


async def test_people_are_made_from_the_command_line(migrated: Installation, database: Database) -> None:
    assert create(migrated, "worker_1")[0] == 0
    code, shown = create(migrated, "boss", "--role", "Admin", "--email", "Boss@Example.com", password=f"{PASSWORD}\r\n")
    assert code == 0
    assert "boss" in shown
    assert PASSWORD not in shown
    boss, worker = await accounts(database)
    assert boss[:3] == ("boss", "Admin", "Boss@example.com")
    assert worker[:3] == ("worker_1", "Member", None)
    hasher = PasswordHasher()
    for row in (boss, worker):
        assert (await hasher.verify(PASSWORD, row[3]))[0], "the line's end is no part of the password"
    hasher.close()


@pytest.mark.parametrize(
    ("arguments", "password", "told"),
    [
        (("a b",), PASSWORD, "account_id"),
        (("ab",), PASSWORD, "account_id"),
        (("somebody", "--email", "nonsense"), PASSWORD, "email"),
        (("somebody", "--role", "God"), PASSWORD, "no role God"),
        (("somebody",), "short", "8 characters"),
        (("somebody",), "", "8 characters"),
        (("somebody",), "p" * 1025, "password"),
        (("somebody",), "nul\0nul\0nul", "password"),
    ],
)
def test_unfit_people_are_refused_in_a_sentence(
    migrated: Installation, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], password: str, told: str
) -> None:
    monkeypatch.chdir(migrated.folder)
    environment = {**migrated.environment, "MADANG_DATA_DIR": str(migrated.data)}
    done = CliRunner().invoke(app, [*CREATE, *arguments, "--password-stdin"], input=password, env=environment)
    assert done.exit_code == 1, done.exception
    assert isinstance(done.exception, SystemExit)
    assert told in done.output


async def test_a_taken_id_is_refused_without_regard_to_case(migrated: Installation, database: Database) -> None:
    assert create(migrated, "taken")[0] == 0
    code, shown = create(migrated, "Taken")
    assert (code, shown) == (1, "Taken is in use; choose another one.\n")
    assert len(await accounts(database)) == 1


def test_a_fresh_folder_is_migrated_and_its_secret_kept(installation: Installation) -> None:
    assert create(installation, "first")[0] == 0
    secret = installation.data / "secret_key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    made = secret.read_text()
    assert len(made) == 64
    done = installation.run("migrate")
    assert (done.returncode, "already" in done.stdout) == (0, True)
    assert secret.read_text() == made


def test_half_a_secret_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MADANG_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MADANG_SECRET_KEY", raising=False)
    (tmp_path / "secret_key").touch()
    made = read_settings().secrets
    assert [len(one) for one in made] == [64]
    assert read_settings().secrets == made


def test_migrating_an_empty_database(installation: Installation) -> None:
    first, second = installation.run("migrate"), installation.run("migrate")
    assert (first.returncode, second.returncode) == (0, 0)
    assert "already" not in first.stdout
    assert "already" in second.stdout


def test_the_printed_sql_makes_the_schema_on_sqlite(installation: Installation) -> None:
    done = installation.run("migrate", "--sql")
    assert done.returncode == 0
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(done.stdout)
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    connection.close()
    assert {"accounts", "sessions", "outbox_events"} <= tables
    assert not (installation.data / "madang.db").exists()


async def test_the_printed_sql_makes_the_schema_on_postgresql(installation: Installation, database: Database) -> None:
    done = installation.run("migrate", "--sql", MADANG_DATABASE_URL="postgresql://needs@no.server/at_all")
    assert done.returncode == 0
    assert "TIMESTAMP WITH TIME ZONE" in done.stdout
    if not database.is_postgresql:
        return
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute("CREATE SCHEMA fresh; SET search_path = fresh, public")
        for statement in done.stdout.split(";\n"):  # one by one, as psql does: an index that locks nobody wants that
            if statement.strip():
                await raw.execute(statement)
        made = await raw.fetch("SELECT table_name FROM information_schema.tables WHERE table_schema = 'fresh'")
    assert {"accounts", "sessions", "outbox_events", "alembic_version"} <= {row[0] for row in made}


async def test_the_doctor_exits_by_what_has_failed(migrated: Installation, database: Database) -> None:
    well = migrated.run("doctor")
    assert well.returncode == 0, well.stdout
    assert "there is none yet" in well.stdout
    strict = migrated.run("doctor", "--production")
    assert strict.returncode == 1
    for name in ("MADANG_PUBLIC_URL", "MADANG_MAIL_URL", "MADANG_SECRET_KEY"):
        assert name in strict.stdout
    now = "CURRENT_TIMESTAMP"
    async with database.unit() as session:
        await session.execute(
            text(
                "INSERT INTO outbox_events (id, name, key, data, origin, created_at, due_at, attempts, parked_at) "
                f"VALUES ('01a1fc54ba4e772485bdee4ab7396301', 'n', 'k', '{{}}', '{{}}', {now}, {now}, 12, {now})"
            )
        )
    ill = migrated.run("doctor")
    assert ill.returncode == 1
    assert "1 parked" in ill.stdout


async def test_the_doctor_names_a_mail_server_that_is_away(migrated: Installation) -> None:
    done = migrated.run("doctor", MADANG_MAIL_URL="smtp://me:hunter2@127.0.0.1:9")
    assert done.returncode == 1
    assert "correct MADANG_MAIL_URL" in " ".join(done.stdout.split())
    assert "hunter2" not in done.stdout + done.stderr


async def test_the_doctor_names_a_cache_that_is_away(migrated: Installation) -> None:
    done = migrated.run("doctor", MADANG_CACHE_URL="redis://:hunter2@127.0.0.1:9/0")
    assert done.returncode == 1
    assert "MADANG_CACHE_URL" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


async def test_the_doctor_names_a_provider_that_is_away(migrated: Installation) -> None:
    provider = {"ISSUER": "http://127.0.0.1:9", "CLIENT_ID": "id", "CLIENT_SECRET": "hunter2"}
    settings = {f"MADANG_OIDC__keycloak__{name}": value for name, value in provider.items()}
    done = migrated.run("doctor", **settings)
    assert done.returncode == 1
    assert "sign-in with keycloak" in done.stdout
    assert "MADANG_OIDC__keycloak__ISSUER" in done.stdout
    assert "hunter2" not in done.stdout


def test_the_doctor_finds_a_missing_schema(installation: Installation) -> None:
    done = installation.run("doctor")
    assert done.returncode == 1
    assert "madang migrate" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("name", "value"),
    [("MADANG_TRUSTED_PROXIES", "[/x]"), ("MADANG_CORS_ORIGINS", "[bold]"), ("MADANG_DATA_DIR", "/dev/null/x")],
)
def test_bad_settings_are_quoted_as_they_are(installation: Installation, name: str, value: str) -> None:
    done = installation.run("doctor", **{name: value})
    assert done.returncode == 2
    assert name in done.stderr
    assert value in done.stderr
    assert "Traceback" not in done.stderr


def test_the_document_needs_no_installation(installation: Installation) -> None:
    done = installation.run("openapi")
    assert json.loads(done.stdout)["openapi"].startswith("3.")
    assert not installation.data.exists()


@pytest.mark.timeout(900)
def test_doctor_looks_at_the_bucket_and_sets_its_cors_rule(migrated: Installation, s3: S3Server) -> None:
    bucket = {"MADANG_STORAGE_URL": storage_url(s3, new_bucket(s3))}
    before, fixed, after = (migrated.run("doctor", *given, **bucket) for given in ((), ("--fix",), ()))
    assert before.returncode == 1
    assert "CORS lets no page of http://localhost:8000" in before.stdout
    assert [done.returncode for done in (fixed, after)] == [0, 0]
    assert SECRET_KEY not in before.stdout + after.stdout


@pytest.mark.parametrize("command", [["worker"], ["serve", "--no-worker"]])
def test_a_second_process_needs_back_ends_that_are_servers(installation: Installation, command: list[str]) -> None:
    done = installation.run(*command)
    assert done.returncode == 2
    assert "MADANG_BROKER_URL" in done.stderr
    assert "Traceback" not in done.stderr
