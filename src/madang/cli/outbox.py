"""`madang outbox`: events that wait, those that were given up, and sending them again."""

import asyncio
import json
from typing import Annotated
from uuid import UUID

import typer

from madang.cli.installation import open_database, read_settings
from madang.outbox.models import OutboxEvent
from madang.outbox.parking import parked, replay
from madang.outbox.relay import backlog

app = typer.Typer(no_args_is_help=True, help="Look at events that failed, and send them again.")
_ROW = "{:<38}{:<36}{:<22}{}"


@app.callback()
def outbox() -> None:
    """Look at events that failed, and send them again."""


@app.command("list")
def list_parked(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, data included.")] = False,
) -> None:
    """Show the events that were parked after their last try, oldest first, and why."""
    waiting, count, events = asyncio.run(_listed(limit))
    if as_json:
        for one in events:
            fields = {"id": str(one.id), "name": one.name, "key": one.key, "data": one.data, "error": one.error}
            typer.echo(json.dumps(fields, ensure_ascii=False))
        return
    typer.echo(f"{waiting} waiting, {count} parked")
    if events:
        typer.echo(_ROW.format("id", "name", "published at", "last error"))
    for one in events:
        typer.echo(_ROW.format(str(one.id), one.name, f"{one.created_at:%Y-%m-%d %H:%M:%SZ}", _one_line(one.error)))


@app.command("replay")
def replay_parked(
    event_ids: Annotated[list[UUID] | None, typer.Argument(help="As `madang outbox list` shows them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are parked.")] = False,
) -> None:
    """Send parked events again, once what made them fail is mended; handlers that had finished do nothing twice."""
    if bool(event_ids) == every:
        raise typer.BadParameter("name the events, or give --all")
    count = asyncio.run(_replayed(None if every else event_ids))
    typer.echo(f"{count} will be sent again.")
    if event_ids and count < len(set(event_ids)):
        typer.echo("The others are not parked.", err=True)
        raise typer.Exit(1)


async def _listed(limit: int) -> tuple[int, int, list[OutboxEvent]]:
    async with open_database(read_settings()) as database:
        waiting, count = await backlog(database)
        return waiting, count, list(await parked(database, limit))


async def _replayed(event_ids: list[UUID] | None) -> int:
    async with open_database(read_settings()) as database:
        return await replay(database, event_ids)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())[:120]
