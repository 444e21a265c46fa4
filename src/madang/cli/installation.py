"""What every command does first: read the settings, find the secret, hold the data, bring the schema up."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout
from pydantic import SecretStr

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


@contextmanager
def hold_data(settings: Settings) -> Iterator[None]:
    """Refuse a second process on the same data as long as an embedded back end is chosen."""
    if not settings.embedded_ports:
        yield
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.data_dir / "madang.lock")
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


async def bring_schema_up(settings: Settings) -> None:
    """Migrate in development and on SQLite; elsewhere raise `OldSchema` when a migration is due."""
    url = settings.database_direct_url or settings.database_url
    if settings.env == "development" or settings.is_sqlite:
        await runner.upgrade(url, settings.data_dir)
    elif await runner.current(url) != runner.head():
        raise OldSchema("the database's schema is not this release's; run: madang migrate")


def _development_secret(settings: Settings) -> str:
    path = settings.data_dir / "secret_key"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return path.read_text().strip()
