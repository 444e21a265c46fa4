"""Sends what is due: several at once, under leases, so that whoever dies is replaced."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

import structlog

from madang.backends import Backends
from madang.kit import standard_webhooks
from madang.kit.clock import Clock, utc_now
from madang.kit.tasks import Bell, end, wait_for
from madang.webhooks.models import FAILED, PENDING, SUCCEEDED, Webhook, WebhookDelivery
from madang.webhooks.repository import DeliveryRepository, WebhookRepository
from madang.webhooks.service import secrets_of

log = structlog.get_logger("madang.webhooks")
LEASE = timedelta(seconds=60)
# After the first try, in seconds: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h; about three days in all.
SCHEDULE = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
GIVEN_UP_AFTER = timedelta(days=5)
_LONGEST_WAIT = timedelta(hours=24)
_POLL_SECONDS = 2.0
_AT_ONCE = 16
_TO_ONE = 4
_READ_BYTES = 4096
_TOTAL_SECONDS = 15.0
_GONE = 410
runners = Bell()


class Outcome(NamedTuple):
    status: int | None
    error: str | None
    retry_after: timedelta | None = None

    @property
    def is_success(self) -> bool:
        return self.error is None


class DeliveryRunner:
    def __init__(self, backends: Backends, clock: Clock = utc_now) -> None:
        self._backends = backends
        self._clock = clock
        self._wake = runners.listener()

    async def run(self) -> None:
        """Sixteen at once, a handful of them to one receiver, so that a slow one holds up nobody else."""
        sending: dict[asyncio.Task[None], UUID] = {}
        try:
            while True:
                self._wake.clear()
                busy = [one for one, count in Counter(sending.values()).items() if count >= _TO_ONE]
                claimed = await self._claim(min(_TO_ONE, _AT_ONCE - len(sending)), busy)
                for delivery in claimed:
                    task = asyncio.create_task(self._deliver(delivery))
                    sending[task] = delivery.webhook_id
                    task.add_done_callback(partial(self._ended, sending))
                if not claimed:
                    await wait_for(self._wake, _POLL_SECONDS)
        finally:
            await end(*sending)

    async def _claim(self, room: int, busy: Sequence[UUID]) -> Sequence[WebhookDelivery]:
        if room <= 0:
            return []
        now = self._clock()
        async with self._backends.database.unit() as session:
            return await DeliveryRepository(session).claim(now, now + LEASE, room, busy)

    def _ended(self, sending: dict[asyncio.Task[None], UUID], task: asyncio.Task[None]) -> None:
        sending.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("delivery not settled; it is tried again", error=repr(error))
        self._wake.set()

    async def _deliver(self, delivery: WebhookDelivery) -> None:
        async with self._backends.database.read_unit() as session:
            webhook = await WebhookRepository(session).get(delivery.webhook_id)
        if webhook is None:
            return
        began = time.monotonic()
        outcome = await self._send(webhook, delivery)
        took = int((time.monotonic() - began) * 1000)
        async with self._backends.database.unit() as session:
            await self._settle(DeliveryRepository(session), delivery, outcome, took)
            locked = await WebhookRepository(session).get(delivery.webhook_id, lock=True)
            if locked is not None:
                self._judge(locked, outcome)

    async def _send(self, webhook: Webhook, delivery: WebhookDelivery) -> Outcome:
        """Whatever goes wrong is the outcome of this try, an address that is refused or a secret that can't be read
        included."""
        body, now = delivery.body.encode(), self._clock()
        try:
            secrets = secrets_of(webhook, self._backends.keyring, now)
            headers = {
                **standard_webhooks.headers(delivery.event_id, now, body, secrets),
                "Content-Type": "application/json",
                "User-Agent": "Madang-Webhooks/1",
            }
            async with (
                asyncio.timeout(_TOTAL_SECONDS),
                self._backends.guarded.stream("POST", webhook.url, content=body, headers=headers) as answer,
            ):
                await anext(answer.aiter_raw(_READ_BYTES), b"")
                error = None if answer.is_success else f"answered {answer.status_code}"
                return Outcome(answer.status_code, error, _retry_after(answer.headers.get("retry-after"), now))
        except Exception as error:
            return Outcome(None, f"{type(error).__name__}: {error}"[:300])

    async def _settle(
        self, deliveries: DeliveryRepository, delivery: WebhookDelivery, outcome: Outcome, took: int
    ) -> None:
        now = self._clock()
        values = {"status": outcome.status, "error": outcome.error, "milliseconds": took, "tried_at": now}
        if outcome.is_success:
            await deliveries.settle(delivery, state=SUCCEEDED, **values)
        elif delivery.attempts > len(SCHEDULE) or outcome.status == _GONE:
            await deliveries.settle(delivery, state=FAILED, **values)
        else:
            wait = max(timedelta(seconds=_pause(delivery.attempts)), outcome.retry_after or timedelta())
            await deliveries.settle(delivery, state=PENDING, due_at=now + wait, **values)

    def _judge(self, webhook: Webhook, outcome: Outcome) -> None:
        """A receiver that says it is gone, or has failed for days, is left alone until somebody switches it on."""
        if outcome.is_success:
            webhook.failing_since = None
            return
        webhook.failing_since = webhook.failing_since or self._clock()
        reason = None
        if outcome.status == _GONE:
            reason = "the receiver answered 410 Gone"
        elif webhook.failing_since < self._clock() - GIVEN_UP_AFTER:
            reason = "it has failed for five days"
        if reason and webhook.is_active:
            webhook.is_active, webhook.disabled_reason = False, reason
            log.warning("webhook disabled", webhook=str(webhook.id), reason=reason)


def _pause(attempts: int) -> float:
    """Half of it for certain, the rest by chance, so that what failed together is not tried together."""
    return SCHEDULE[min(attempts, len(SCHEDULE)) - 1] * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret


def _retry_after(header: str | None, now: datetime) -> timedelta | None:
    """RFC 9110 §10.2.3: seconds or a date; a day at most."""
    if header is None:
        return None
    try:
        wait = timedelta(seconds=int(header)) if header.isdecimal() else parsedate_to_datetime(header) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), _LONGEST_WAIT)
