"""What `madang doctor` looks at: one function a dependency, each with its advice."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from madang.accounts.deps import build_accounts
from madang.backends import Backends
from madang.backends.mail.base import MailUnavailable
from madang.kit.problems import Problem
from madang.migrations import runner
from madang.outbox.relay import backlog
from madang.settings import Settings

Verdict = Literal["ok", "advice", "failed"]
_LITTLE_SPACE = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: the verdict, what was seen, and what to do when that is not fine."""

    subject: str
    verdict: Verdict
    seen: str
    advice: str = ""


async def examine(settings: Settings, backends: Backends) -> list[Finding]:
    """Every finding; what needs the database is left out when the database or its schema fails."""
    findings = []
    for check in (_database, _schema, _administrator, _events):
        findings.append(await check(settings, backends))
        if findings[-1].verdict == "failed":
            break  # what follows needs it
    ports = [await port(settings, backends) for port in (_mail, _model, _captioner)]
    ports += [_storage(settings)]
    return [*findings, *ports, _space(settings), _processes(settings)]


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
    free = shutil.disk_usage(_existing(settings.data_dir)).free
    seen = f"{free / (1 << 30):.1f} GiB free under {settings.data_dir}"
    if free < _LITTLE_SPACE:
        return Finding("disk", "advice", seen, "make room, or set MADANG_DATA_DIR to another disk")
    return Finding("disk", "ok", seen)


def _processes(settings: Settings) -> Finding:
    if settings.embedded_ports:
        return Finding("processes", "ok", f"one at a time, because of {', '.join(settings.embedded_ports)}")
    return Finding("processes", "ok", "as many as wanted")


async def _mail(settings: Settings, backends: Backends) -> Finding:
    if backends.mail is None:
        return Finding("mail", "advice", "switched off", "without it nobody can reset a forgotten password")
    if settings.mail_url.startswith("console:"):
        return Finding(
            "mail", "advice", "printed by the server", "set MADANG_MAIL_URL to smtp://user:password@host:587"
        )
    try:
        await backends.mail.check()
    except MailUnavailable as error:
        return Finding("mail", "failed", str(error), "correct MADANG_MAIL_URL, or start the mail server")
    return Finding("mail", "ok", f"the server listens; letters come from {settings.mail_from}")


async def _model(settings: Settings, backends: Backends) -> Finding:
    if backends.llm is None:
        return Finding("language model", "ok", "switched off")
    if settings.llm_url.startswith("demo:"):
        return Finding("language model", "advice", "the demo", "set MADANG_LLM_URL to an OpenAI-compatible server")
    try:
        models = await backends.llm.models()
    except Problem as problem:
        advice = f"{problem} Correct MADANG_LLM_URL and MADANG_LLM_API_KEY, or start the server."
        return Finding("language model", "failed", settings.llm_url, advice)
    return Finding("language model", "ok", f"{settings.llm_url}: {', '.join(models[:5]) or 'lists no models'}")


async def _captioner(_settings: Settings, backends: Backends) -> Finding:
    if backends.captioner is None:
        return Finding("captioner", "ok", "switched off")
    plan = backends.captioner.plan(language=None, engine=None)
    return Finding("captioner", "ok", f"{plan.engine.name} {plan.engine.version}, {plan.engine.model}")


def _storage(settings: Settings) -> Finding:
    folder = _existing(Path(settings.storage_url.removeprefix("file:")))
    if os.access(folder, os.W_OK | os.X_OK):
        return Finding("storage", "ok", settings.storage_url)
    advice = f"let this user write to {folder}, or set MADANG_STORAGE_URL to another folder"
    return Finding("storage", "failed", f"{settings.storage_url} can't be written", advice)


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists already."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
