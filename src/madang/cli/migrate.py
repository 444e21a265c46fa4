"""`madang migrate`: bring the database to this release's schema."""

import asyncio
from typing import Annotated

import typer

from madang.cli.installation import read_settings
from madang.migrations import runner


def migrate(
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it.")] = False,
) -> None:
    """Bring the database to this release's schema."""
    settings = read_settings()
    url = settings.database_direct_url or settings.database_url
    if sql:
        runner.sql(url)
        return
    changed = asyncio.run(runner.upgrade(url, settings.data_dir))
    typer.echo(f"The schema is at {runner.head()}{'' if changed else ' already'}.")
