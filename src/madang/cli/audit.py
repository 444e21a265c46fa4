"""`madang audit`: whether the trail is what was sealed."""

import asyncio

import typer

from madang.audit.chain_service import ChainService, Verdict
from madang.cli.installation import open_database, read_settings
from madang.kit.secrets import Keyring
from madang.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Look at the audit trail.")


@app.callback()
def audit() -> None:
    """Look at the audit trail."""


@app.command("verify")
def verify() -> None:
    """Walk the chain of sealed entries and name the first fault; the exit code is 1 when there is one."""
    verdict = asyncio.run(_verified(read_settings()))
    if verdict.fault is None:
        typer.echo(f"{verdict.sealed} entries are what was sealed; {verdict.waiting} wait for their seal.")
        return
    typer.echo(f"The first {verdict.sealed} entries are what was sealed. Then: {verdict.fault}.", err=True)
    raise typer.Exit(1)


async def _verified(settings: Settings) -> Verdict:
    async with open_database(settings) as database:
        return await ChainService(database, Keyring(settings.secrets)).verify()
