"""What `madang doctor` looks at: one function a dependency, each with its advice."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from madang.accounts.deps import build_accounts
from madang.backends import Backends
from madang.backends.broker.base import BrokerUnavailable
from madang.backends.cache.base import CacheUnavailable
from madang.backends.llm.upstreams import Upstream
from madang.backends.mail.base import MailUnavailable
from madang.backends.oidc.base import IdentityProvider, ProviderUnavailable
from madang.kit.clock import utc_now
from madang.kit.problems import Problem
from madang.kit.secrets import UnreadableSecret
from madang.kit.urls import origin_of
from madang.migrations import runner
from madang.outbox.relay import backlog
from madang.sessions.key_service import KeyPolicy, KeyService
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


async def examine(settings: Settings, backends: Backends, *, fix: bool = False) -> list[Finding]:
    """Every finding; what needs the database is left out when the database or its schema fails.

    With `fix`, what can be set from here is set first.
    """
    findings = []
    for check in (_database, _schema, _secrets, _administrator, _events):
        findings.append(await check(settings, backends))
        if findings[-1].verdict == "failed":
            break  # what follows needs it
    ports = [await port(settings, backends) for port in (_cache, _broker, _mail, _captioner)]
    ports += await _models(backends)
    ports += [await _provider(one) for one in backends.identity_providers.values()]
    ports += await _storage(settings, backends, fix=fix)
    return [*findings, *ports, _space(settings), _processes(settings)]


async def _database(_settings: Settings, backends: Backends) -> Finding:
    shown = backends.database.shown_url
    try:
        await backends.database.ping()
    except Problem:
        return Finding("database", "failed", f"{shown} does not answer", "start it, or correct MADANG_DATABASE_URL")
    encoding, ctype = await backends.database.locale()
    if encoding != "UTF8" or ctype in {"C", "POSIX"}:
        advice = "make it with a UTF-8 locale (LOCALE 'C.UTF-8'); searches for names find too little"
        return Finding("database", "advice", f"{shown}, encoding {encoding}, locale {ctype}", advice)
    return Finding("database", "ok", shown)


async def _schema(settings: Settings, _backends: Backends) -> Finding:
    current, head = await runner.current(settings.database_direct_url or settings.database_url), runner.head()
    if current == head:
        return Finding("schema", "ok", f"revision {head}")
    return Finding(
        "schema", "failed", f"revision {current or 'none'}, this release needs {head}", "run: madang migrate"
    )


async def _secrets(settings: Settings, backends: Backends) -> Finding:
    """Whether the keys that sign access tokens can be read, and by which secret."""
    policy = KeyPolicy(settings.jwt_algorithm, settings.seconds("access_ttl"))
    try:
        async with backends.database.read_unit() as session:
            keys = await KeyService(session, backends.keyring, policy, utc_now).listed()
            older = [key for key in keys if backends.keyring.reseal(key.sealed) is not None]
    except UnreadableSecret as error:
        return Finding("signing keys", "failed", "can't be read", str(error))
    if older:
        seen = f"{len(older)} of {len(keys)} sealed under an older secret"
        return Finding("signing keys", "advice", seen, "run: madang keys rewrap")
    return Finding("signing keys", "ok", f"{len(keys)}, for {settings.jwt_algorithm}")


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
        advice = "see why: madang outbox list; then send them again: madang outbox replay --all"
        return Finding("events", "failed", seen, advice)
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


async def _cache(settings: Settings, backends: Backends) -> Finding:
    if settings.cache_url.startswith("memory:"):
        return Finding("cache", "ok", "in this process's memory")
    try:
        await backends.cache.check()
    except CacheUnavailable as error:
        advice = "correct MADANG_CACHE_URL, or start it; until then each server counts limits for itself"
        return Finding("cache", "failed", str(error), advice)
    return Finding("cache", "ok", "it answers")


async def _broker(settings: Settings, backends: Backends) -> Finding:
    if not backends.broker.is_remote:
        return Finding("broker", "ok", "in this process")
    try:
        await backends.broker.check()
    except BrokerUnavailable as error:
        advice = "correct MADANG_BROKER_URL, or start it; until then events wait in the database"
        return Finding("broker", "failed", str(error), advice)
    return Finding("broker", "ok", f"it answers at {urlsplit(settings.broker_url).hostname}")


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


async def _models(backends: Backends) -> list[Finding]:
    if backends.llm is None:
        return [Finding("language model", "ok", "switched off")]
    if backends.llm.upstreams[0].address.startswith("demo:"):
        return [Finding("language model", "advice", "the demo", "set MADANG_LLM_URL to an OpenAI-compatible server")]
    return [await _upstream(upstream) for upstream in backends.llm.upstreams]


async def _upstream(upstream: Upstream) -> Finding:
    is_default = upstream.name == "default"
    subject = "language model" if is_default else f"language model {upstream.name}"
    try:
        models = await upstream.offered()
    except Problem as problem:
        of = "MADANG_LLM_" if is_default else f"MADANG_UPSTREAMS__{upstream.name.upper()}__"
        return Finding(subject, "failed", upstream.address, f"{problem} Correct {of}URL and {of}API_KEY, or start it.")
    return Finding(subject, "ok", f"{upstream.address}: {', '.join(models[:5]) or 'lists no models'}")


async def _captioner(_settings: Settings, backends: Backends) -> Finding:
    if backends.captioner is None:
        return Finding("captioner", "ok", "switched off")
    plan = backends.captioner.plan(language=None, engine=None)
    return Finding("captioner", "ok", f"{plan.engine.name} {plan.engine.version}, {plan.engine.model}")


async def _provider(provider: IdentityProvider) -> Finding:
    subject = f"sign-in with {provider.name}"
    try:
        await provider.check()
    except ProviderUnavailable as error:
        advice = f"correct MADANG_OIDC__{provider.name}__ISSUER, or open the way to it"
        return Finding(subject, "failed", str(error), advice)
    return Finding(subject, "ok", provider.issuer)


async def _storage(settings: Settings, backends: Backends, *, fix: bool) -> list[Finding]:
    pages = {origin_of(url) for url in (settings.site, settings.frontend_url, *settings.cors_origins) if url}
    try:
        faults = await backends.storage.check(sorted(pages), fix=fix)
    except Problem:
        advice = "correct MADANG_STORAGE_URL, or start the storage"
        return [Finding("storage", "failed", f"{backends.storage} does not answer", advice)]
    findings = [
        Finding("storage", "failed" if fault.is_fatal else "advice", fault.seen, fault.advice) for fault in faults
    ]
    return findings or [Finding("storage", "ok", str(backends.storage))]


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists already."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
