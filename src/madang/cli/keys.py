"""`madang keys`: the keys that sign access tokens, and what is sealed under the secret."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, NoReturn, TypeVar

import typer

from madang.cli.installation import bring_schema_up, open_database, read_settings
from madang.db.resealing import reseal, still_under_older_secrets
from madang.db.session import DatabaseUnavailable
from madang.kit.clock import utc_now
from madang.kit.problems import Problem
from madang.kit.secrets import Keyring, UnreadableSecret
from madang.kit.token_keys import Algorithm
from madang.sessions.key_service import LEAD, REREAD, KeyPolicy, KeyService, state_of
from madang.settings import Settings
from madang.tables import metadata

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="Manage the keys that sign access tokens.")
_ROW = "{:<34}{:<9}{:<11}{:<22}{:<22}"
# What hangs on an older secret, and what becomes of it when that is dropped.
_HANGING = {
    "sessions": "sessions; each moves at its next refresh, and would have to sign in again",
    "mail_proofs": "mailed codes, which die within the hour, and invitations, which die within a week",
    "recovery_codes": "recovery codes; they would be void, so let their owners make new ones",
    "audit_chain": "seal of the audit trail; a worker makes it anew within seconds",
}


@app.callback()
def keys() -> None:
    """Manage the keys that sign access tokens, and what is sealed under MADANG_SECRET_KEY."""


@app.command("list")
def list_keys() -> None:
    """Show the keys: which one signs, which is next, which only verify what they signed."""
    found = _with_keys(lambda service: service.listed())
    typer.echo(_ROW.format("id", "alg", "state", "signs from", "retires at").rstrip())
    for key in found:
        until = f"{key.retires_at:%Y-%m-%d %H:%M:%SZ}" if key.retires_at else "-"
        state = state_of(key, found, utc_now())
        typer.echo(_ROW.format(key.id, key.algorithm, state, f"{key.signs_from:%Y-%m-%d %H:%M:%SZ}", until).rstrip())


@app.command()
def rotate(
    lead: Annotated[int, typer.Option(min=0, help="Seconds for which the new key is published before it signs.")] = int(
        LEAD.total_seconds()
    ),
    now: Annotated[bool, typer.Option("--now", help="Sign with it at once, as --lead 0.")] = False,
    algorithm: Annotated[Algorithm | None, typer.Option(help="Instead of MADANG_JWT_ALGORITHM.")] = None,
) -> None:
    """Make a new key; the old one goes on until the new one signs, and verifies until its last token has died."""
    wait = timedelta(seconds=0 if now else lead)
    key = _with_keys(lambda service: service.rotate(wait, algorithm))
    typer.echo(f"Made {key.id} ({key.algorithm}); it signs from {key.signs_from:%Y-%m-%d %H:%M:%SZ} on.")
    if wait < REREAD:
        typer.echo(f"A server may sign with the old key for {REREAD.seconds} s more; no token is refused for it.")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `madang keys list` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a key that leaked: every token it signed is refused within 30 s, and people refresh or sign in."""
    if not yes:
        typer.confirm("All access tokens that it signed will be refused. Go on?", abort=True)
    key = _with_keys(lambda service: service.revoke(key_id))
    typer.echo(f"Revoked {key_id}; servers refuse its tokens within {REREAD.seconds} s.")
    if key is not None:
        typer.echo(f"{key.id} ({key.algorithm}) signs from now on.")


@app.command()
def rewrap() -> None:
    """Seal everything anew under the first secret of MADANG_SECRET_KEY, so that the older ones can go."""
    settings = read_settings()
    try:
        moved, hanging = asyncio.run(_rewrap(settings))
    except UnreadableSecret as error:
        _refuse(str(error))
    for table, count in moved.items():
        typer.echo(f"{table}: {count} sealed anew")
    for table, count in hanging.items():
        if count:
            typer.echo(f"Still on an older secret: {count} {_HANGING.get(table, table)}.")
    if not any(hanging.values()):
        typer.echo("Nothing is left on an older secret: MADANG_SECRET_KEY may be its first one alone.")


async def _rewrap(settings: Settings) -> tuple[dict[str, int], dict[str, int]]:
    await bring_schema_up(settings)
    keyring = Keyring(settings.secrets)
    async with open_database(settings) as database:
        moved = await reseal(database, metadata, keyring.reseal)
        return moved, await still_under_older_secrets(database, metadata, keyring.current_id)


def _with_keys(act: Callable[[KeyService], Awaitable[T]]) -> T:
    settings = read_settings()
    try:
        return asyncio.run(_acting(settings, act))
    except DatabaseUnavailable:
        raise
    except Problem as problem:
        _refuse(str(problem))


async def _acting(settings: Settings, act: Callable[[KeyService], Awaitable[T]]) -> T:
    await bring_schema_up(settings)
    policy = KeyPolicy(settings.jwt_algorithm, settings.seconds("access_ttl"))
    async with open_database(settings) as database, database.unit() as session:
        return await act(KeyService(session, Keyring(settings.secrets), policy, utc_now))


def _refuse(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)
