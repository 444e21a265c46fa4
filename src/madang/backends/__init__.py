"""All ports, opened from the settings as one `Backends`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx2

from madang.backends.breaches import open_breaches
from madang.backends.breaches.base import Breaches
from madang.backends.broker import open_broker
from madang.backends.broker.base import Broker
from madang.backends.cache import open_cache
from madang.backends.cache.base import Cache
from madang.backends.cache.reads import CachedReads
from madang.backends.captioner import open_captioner
from madang.backends.captioner.base import Captioner
from madang.backends.llm import open_upstreams
from madang.backends.llm.upstreams import Upstreams
from madang.backends.mail import open_mail
from madang.backends.mail.base import Mail
from madang.backends.oidc import open_identity_providers
from madang.backends.oidc.base import IdentityProvider
from madang.backends.outbound import open_outbound
from madang.backends.outbound.guarded import open_guarded
from madang.backends.storage import open_storage
from madang.backends.storage.base import Storage
from madang.db.engine import Pooling
from madang.db.session import Database
from madang.kit.letters import Letterhead
from madang.kit.secrets import Keyring
from madang.settings import Settings


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days each kind of finished row is kept."""

    ended_sessions: int
    sent_events: int
    run_logs: int
    idempotency_keys: int
    unfinished_uploads: int
    temporary_chats: int
    deleted_accounts: int


@dataclass(frozen=True, slots=True)
class Backends:
    """The open back ends of one process, and the numbers that handlers and runners need beside them."""

    database: Database
    cache: Cache
    reads: CachedReads
    broker: Broker
    mail: Mail | None
    storage: Storage
    outbound: httpx2.AsyncClient
    guarded: httpx2.AsyncClient
    breaches: Breaches | None
    llm: Upstreams | None
    captioner: Captioner | None
    caption_workers: int
    retention: Retention
    keyring: Keyring
    letterhead: Letterhead
    identity_providers: Mapping[str, IdentityProvider]


@asynccontextmanager
async def open_backends(settings: Settings) -> AsyncIterator[Backends]:
    """Open every port by its URL; closes them in reverse order."""
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url, _pooling(settings), settings.database_direct_url)
        stack.push_async_callback(database.close)
        cache, broker, mail = (
            open_cache(settings.cache_url),
            open_broker(settings.broker_url),
            open_mail(settings.mail_url),
        )
        reads = CachedReads(cache.values())
        database.tell_touched(reads.end)
        for close in (cache.close, broker.close, *([mail.close] if mail else [])):
            stack.push_async_callback(close)
        keyring = Keyring(settings.secrets)
        storage = open_storage(settings.storage_url, keyring, settings.public_url)
        stack.push_async_callback(storage.close)
        captioner = open_captioner(settings.captioner_url, settings.max_media_seconds)
        if captioner is not None:
            stack.push_async_callback(captioner.close)
        outbound = await stack.enter_async_context(open_outbound())
        guarded = await stack.enter_async_context(open_guarded(settings.outbound_allow))
        llm = open_upstreams(settings.all_upstreams, outbound)
        if llm is not None:
            stack.push_async_callback(llm.close)
        providers = open_identity_providers(settings.identity_providers)
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        yield Backends(
            database=database,
            cache=cache,
            reads=reads,
            broker=broker,
            mail=mail,
            storage=storage,
            outbound=outbound,
            guarded=guarded,
            breaches=open_breaches(settings.password_breaches, outbound),
            llm=llm,
            captioner=captioner,
            caption_workers=settings.caption_workers,
            retention=_retention(settings),
            keyring=keyring,
            letterhead=Letterhead(settings.mail_from, settings.site),
            identity_providers=providers,
        )


def _pooling(settings: Settings) -> Pooling:
    """Whoever names a direct URL has a pooler at the other one."""
    return Pooling(
        settings.database_pool,
        settings.database_statement_timeout,
        is_behind_pooler=bool(settings.database_direct_url),
    )


def _retention(settings: Settings) -> Retention:
    return Retention(
        settings.keep_ended_sessions,
        settings.keep_sent_events,
        settings.keep_run_logs,
        settings.keep_idempotency_keys,
        settings.keep_unfinished_uploads,
        settings.keep_temporary_chats,
        settings.erasure_grace,
    )
