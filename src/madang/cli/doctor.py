"""`madang doctor`: what is configured, what answers, and what to do about the rest."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from madang.backends import open_backends
from madang.cli.diagnosis import Finding, Verdict, examine
from madang.cli.installation import look_for_models, read_settings
from madang.settings import BadSettings, Settings, load_settings

_SIGNS: dict[Verdict, str] = {"ok": "[green]ok[/]", "advice": "[yellow]advice[/]", "failed": "[red]failed[/]"}
_WIDTH_OF_A_LOG = 240


def doctor(
    production: Annotated[bool, typer.Option("--production", help="Judge by the rules of production.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Set what can be set from here: the bucket's CORS rule.")] = False,
) -> None:
    """Look at every setting and dependency; exit 1 when something has failed."""
    settings = read_settings()
    look_for_models(settings)
    findings = _settings_findings(production) + asyncio.run(_examine(settings, fix=fix))
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_LOG
    console.print(_table(findings))
    if any(finding.verdict == "failed" for finding in findings):
        raise typer.Exit(1)


def _settings_findings(production: bool) -> list[Finding]:
    try:
        settings = load_settings(env="production") if production else load_settings()
    except BadSettings as error:
        return [Finding(*_split_fault(line)) for line in str(error).splitlines()]
    return [Finding("settings", "ok", f"environment {settings.env}")]


def _split_fault(line: str) -> tuple[str, Verdict, str, str]:
    name, _, fault = line.partition(": ")
    return name, "failed", "not fit for production", fault


async def _examine(settings: Settings, *, fix: bool) -> list[Finding]:
    async with open_backends(settings) as backends:
        return await examine(settings, backends, fix=fix)


def _table(findings: list[Finding]) -> Table:
    table = Table("", "verdict", box=None, pad_edge=False)
    table.add_column("seen", overflow="fold")
    table.add_column("what to do", overflow="fold")
    for finding in findings:
        table.add_row(escape(finding.subject), _SIGNS[finding.verdict], escape(finding.seen), escape(finding.advice))
    return table
