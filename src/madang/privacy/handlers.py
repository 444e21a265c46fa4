"""Erasure of accounts whose grace time is over, and the end of archives."""

from datetime import timedelta

import structlog

from madang.accounts.events import AccountErased
from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.media.models import storage_key as media_key
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.forgetting import forget_origins
from madang.outbox.publish import Outbox
from madang.privacy.events import ErasureDue, ExportRequested
from madang.privacy.models import storage_key
from madang.privacy.repository import BelongingsRepository, ExportRepository, blank, due_for_erasure, is_due
from madang.privacy.runner import runners

log = structlog.get_logger("madang.privacy")
_BATCH = 100


async def wake(_event: Event, _delivery: Delivery) -> None:
    runners.ring()


async def find_due(_event: Event, delivery: Delivery) -> None:
    """One fact for each account, so that one that can't be erased now holds up no other."""
    before = utc_now() - timedelta(days=delivery.backends.retention.deleted_accounts)
    async with delivery.backends.database.unit() as session:
        for account_id in await due_for_erasure(session, before, _BATCH):
            Outbox(session).publish(ErasureDue(account_id=account_id), key=account_id)


async def erase(event: Event, delivery: Delivery) -> None:
    """Files first, as their rows say where they are; the account's own row last. Begun again, it goes on."""
    assert isinstance(event, ErasureDue)  # noqa: S101 - registered for this alone
    backends, account_id = delivery.backends, event.account_id
    before = utc_now() - timedelta(days=backends.retention.deleted_accounts)
    async with backends.database.read_unit() as session:
        if not await is_due(session, account_id, before):
            return
    belongings = BelongingsRepository(backends.database, account_id)
    media, exports = await belongings.file_ids()
    for key in [*map(media_key, media), *map(storage_key, exports)]:
        await backends.storage.delete(key)
    await belongings.erase()
    async with backends.database.unit() as session:
        await forget_origins(session, account_id)
        await blank(session, account_id, utc_now())
        Outbox(session).publish(AccountErased(account_id=account_id), key=account_id)
    log.info("account erased", account=str(account_id))


async def sweep_expired_exports(_event: Event, delivery: Delivery) -> None:
    """The archive goes before its row, so that none is left behind."""
    backends = delivery.backends
    while True:
        async with backends.database.read_unit() as session:
            expired = await ExportRepository(session).expired(utc_now())
        for export_id in expired:
            await backends.storage.delete(storage_key(export_id))
            async with backends.database.unit() as session:
                await ExportRepository(session).remove(export_id)
        if not expired:
            return


handlers: Handlers = {
    ExportRequested: [wake],
    ErasureDue: [erase],
    HousekeepingDue: [sweep_expired_exports, find_due],
}
