"""What every command does first: read the settings, find the secret, hold the data, bring the schema up."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import SecretStr

from madang.backends.llm.ollama import base_url_of
from madang.db.session import Database
from madang.migrations import runner
from madang.settings import BadSettings, Settings, load_settings


class AlreadyRunning(BadSettings):
    """Another process holds the same data, and these back ends serve one process only."""


class OldSchema(BadSettings):
    """The database is older than this release, and production does not migrate by itself."""


def read_settings() -> Settings:
    """The settings; in development a secret is made once and kept beside the data."""
    settings = load_settings()
    if not settings.secrets:
        settings.secret_key = SecretStr(_development_secret(settings))
    return settings


def look_for_models(settings: Settings) -> None:
    """Take a running Ollama where nobody has said which model answers."""
    if settings.has_no_model and (found := base_url_of(settings.ollama_url)):
        settings.llm_url = found


@contextmanager
def hold_data(settings: Settings) -> Iterator[None]:
    """Refuse a second process on the same data as long as an embedded back end is chosen."""
    if not settings.embedded_ports:
        yield
        return
    lock = FileLock(_data_dir(settings) / "madang.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise AlreadyRunning(
            f"another Madang is running on {settings.data_dir}/: stop it, or set MADANG_DATA_DIR to another folder. "
            f"One process is all that these settings allow: {', '.join(settings.embedded_ports)}"
        ) from None
    try:
        yield
    finally:
        lock.release()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database of a command, past any pooler."""
    database = Database(settings.database_direct_url or settings.database_url)
    try:
        yield database
    finally:
        await database.close()


async def bring_schema_up(settings: Settings) -> None:
    """Migrate in development and on SQLite; elsewhere raise `OldSchema` when a migration is due."""
    url = settings.database_direct_url or settings.database_url
    if settings.env == "development" or settings.is_sqlite:
        await runner.upgrade(url, settings.data_dir)
    elif await runner.current(url) != runner.head():
        raise OldSchema("the database's schema is not this release's; run: madang migrate")


def _development_secret(settings: Settings) -> str:
    """Made whole or not at all: a process that reads beside us, or after a crash of ours, must not find half of it."""
    folder = _data_dir(settings)
    path, unfinished = folder / "secret_key", folder / "secret_key.new"
    with FileLock(folder / "secret_key.lock"):
        if not path.exists() or not path.read_text().strip():
            unfinished.touch(mode=0o600)
            unfinished.write_text(secrets.token_hex(32))
            unfinished.replace(path)
    return path.read_text().strip()


def _data_dir(settings: Settings) -> Path:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings(f"MADANG_DATA_DIR: {error}") from None
    return settings.data_dir
