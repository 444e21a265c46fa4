"""`madang doctor`: what is configured, what answers, and what to do about the rest."""

import asyncio
import shutil
from dataclasses import dataclass
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from madang.accounts.deps import build_accounts
from madang.backends import Backends, open_backends
from madang.cli.installation import read_settings
from madang.kit.problems import Problem
from madang.migrations import runner
from madang.outbox.relay import backlog
from madang.settings import BadSettings, Settings, load_settings

Verdict = Literal["ok", "advice", "failed"]
_SIGNS: dict[Verdict, str] = {"ok": "[green]ok[/]", "advice": "[yellow]advice[/]", "failed": "[red]failed[/]"}
_LITTLE_SPACE = 2 << 30
_WIDTH_OF_A_LOG = 240


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: the verdict, what was seen, and what to do when that is not fine."""

    subject: str
    verdict: Verdict
    seen: str
    advice: str = ""


def doctor(
    production: Annotated[bool, typer.Option("--production", help="Judge by the rules of production.")] = False,
) -> None:
    """Look at every setting and dependency; exit 1 when something has failed."""
    settings = read_settings()
    findings = _settings_findings(production) + asyncio.run(_examine(settings))
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


async def _examine(settings: Settings) -> list[Finding]:
    async with open_backends(settings) as backends:
        findings = []
        for check in (_database, _schema, _administrator, _events):
            findings.append(await check(settings, backends))
            if findings[-1].verdict == "failed":
                break  # what follows needs it
    return [*findings, _space(settings), _processes(settings)]


async def _database(_settings: Settings, backends: Backends) -> Finding:
    shown = backends.database.shown_url
    try:
        await backends.database.ping()
    except Problem:
        return Finding("database", "failed", f"{shown} does not answer", "start it, or correct MADANG_DATABASE_URL")
    return Finding("database", "ok", shown)


async def _schema(settings: Settings, _backends: Backends) -> Finding:
    current, head = await runner.current(settings.database_direct_url or settings.database_url), runner.head()
    if current == head:
        return Finding("schema", "ok", f"revision {head}")
    return Finding(
        "schema", "failed", f"revision {current or 'none'}, this release needs {head}", "run: madang migrate"
    )


async def _administrator(_settings: Settings, backends: Backends) -> Finding:
    async with backends.database.read_unit() as session:
        if await build_accounts(session).has_admin():
            return Finding("administrator", "ok", "there is one")
    advice = "POST /api/v1/setup with the code that `serve` prints, or: madang users create ID --role Admin"
    return Finding("administrator", "advice", "there is none yet", advice)


async def _events(_settings: Settings, backends: Backends) -> Finding:
    waiting, parked = await backlog(backends.database)
    seen = f"{waiting} waiting, {parked} parked"
    if parked:
        return Finding(
            "events", "failed", seen, "their handlers failed 12 times; see the log for `event not delivered`"
        )
    return Finding("events", "ok", seen)


def _space(settings: Settings) -> Finding:
    folder = next(
        path for path in (settings.data_dir.absolute(), *settings.data_dir.absolute().parents) if path.exists()
    )
    free = shutil.disk_usage(folder).free
    seen = f"{free / (1 << 30):.1f} GiB free under {settings.data_dir}"
    if free < _LITTLE_SPACE:
        return Finding("disk", "advice", seen, "make room, or set MADANG_DATA_DIR to another disk")
    return Finding("disk", "ok", seen)


def _processes(settings: Settings) -> Finding:
    if settings.embedded_ports:
        return Finding("processes", "ok", f"one at a time, because of {', '.join(settings.embedded_ports)}")
    return Finding("processes", "ok", "as many as wanted")


def _table(findings: list[Finding]) -> Table:
    table = Table("", "verdict", box=None, pad_edge=False)
    table.add_column("seen", overflow="fold")
    table.add_column("what to do", overflow="fold")
    for finding in findings:
        table.add_row(escape(finding.subject), _SIGNS[finding.verdict], escape(finding.seen), escape(finding.advice))
    return table
