"""All SQL of webhooks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update

from madang.db.session import Session, advisory_lock, changed_rows, insert_once
from madang.webhooks.models import FAILED, PENDING, Webhook, WebhookDelivery


class WebhookRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, webhook: Webhook, most: int) -> bool:
        """Whether there was room for it."""
        await advisory_lock(self._session, "webhooks")
        if (await self._session.scalar(select(func.count(Webhook.id))) or 0) >= most:
            return False
        self._session.add(webhook)
        await self._session.flush()
        return True

    async def all(self) -> Sequence[Webhook]:
        return (await self._session.scalars(select(Webhook).order_by(Webhook.id.desc()))).all()

    async def active(self) -> Sequence[Webhook]:
        return (await self._session.scalars(select(Webhook).where(Webhook.is_active))).all()

    async def get(self, webhook_id: UUID, *, lock: bool = False) -> Webhook | None:
        return await self._session.get(Webhook, webhook_id, with_for_update=lock or None)

    async def remove(self, webhook_id: UUID) -> bool:
        statement = delete(Webhook).where(Webhook.id == webhook_id).returning(Webhook.id)
        return bool((await self._session.execute(statement)).all())


class DeliveryRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add_once(self, delivery: dict[str, Any]) -> None:
        """An event that is handled again is not sent again."""
        await insert_once(self._session, WebhookDelivery, **{"attempts": 0, "state": PENDING, **delivery})

    async def claim(
        self, now: datetime, until: datetime, limit: int, busy: Sequence[UUID] = ()
    ) -> Sequence[WebhookDelivery]:
        """Lease what is due, and not for webhooks that are busy; nobody else gets it before `until`."""
        free = or_(WebhookDelivery.leased_until.is_(None), WebhookDelivery.leased_until < now)
        due = (
            select(WebhookDelivery.id)
            .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
            .where(WebhookDelivery.state == PENDING, WebhookDelivery.due_at <= now, free, Webhook.is_active)
            .where(WebhookDelivery.webhook_id.not_in(busy))
            .order_by(WebhookDelivery.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True, of=WebhookDelivery)
        )
        claimed = await self._session.scalars(
            update(WebhookDelivery)
            .where(WebhookDelivery.id.in_(due.scalar_subquery()))
            .values(leased_until=until, attempts=WebhookDelivery.attempts + 1)
            .returning(WebhookDelivery)
        )
        return claimed.all()

    async def settle(self, delivery: WebhookDelivery, **values: Any) -> bool:
        """Whether the lease was still held; whoever claims counts an attempt."""
        mine = (WebhookDelivery.id == delivery.id, WebhookDelivery.attempts == delivery.attempts)
        statement = update(WebhookDelivery).where(*mine).values(leased_until=None, **values)
        return changed_rows(await self._session.execute(statement)) == 1

    async def of(self, webhook_id: UUID, before: UUID | None, limit: int) -> Sequence[WebhookDelivery]:
        """The newest first."""
        statement = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
        if before is not None:
            statement = statement.where(WebhookDelivery.id < before)
        return (await self._session.scalars(statement.order_by(WebhookDelivery.id.desc()).limit(limit))).all()

    async def replay(self, webhook_id: UUID, now: datetime, *which: Any) -> int:
        """Due now, with all tries before them."""
        values = {"state": PENDING, "attempts": 0, "due_at": now, "leased_until": None}
        own = WebhookDelivery.webhook_id == webhook_id
        return changed_rows(await self._session.execute(update(WebhookDelivery).where(own, *which).values(**values)))

    async def replay_one(self, webhook_id: UUID, delivery_id: UUID, now: datetime) -> bool:
        return await self.replay(webhook_id, now, WebhookDelivery.id == delivery_id) == 1

    async def replay_failed(self, webhook_id: UUID, since: datetime, now: datetime) -> int:
        return await self.replay(webhook_id, now, WebhookDelivery.state == FAILED, WebhookDelivery.created_at >= since)

    async def delete_old(self, before: datetime, limit: int) -> int:
        old = select(WebhookDelivery.id).where(WebhookDelivery.created_at < before).limit(limit)
        return changed_rows(await self._session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(old))))
