"""Quotas: reserved before the model is called, settled with what it really used, in the units that store both."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from madang.chat.errors import QuotaExceeded, QuotaNotFound
from madang.chat.events import QuotaRemoved, QuotaSet
from madang.chat.models import Quota, Run
from madang.chat.quota_repository import QuotaRepository
from madang.chat.schemas import NewQuota
from madang.db.session import Session
from madang.kit.clock import Clock
from madang.kit.token_count import likely_tokens
from madang.outbox.publish import Outbox

# What an answer may well need; reserved until the answer tells.
ANSWER_TOKENS = 1000


class Standing(NamedTuple):
    """Where somebody stands in the period: `tokens` and `requests` are used, answers being written included."""

    quota: Quota
    ends_at: datetime
    tokens: int
    requests: int


class Reservation(NamedTuple):
    """What was taken for an answer, and from which period; none where no quota is."""

    account_id: UUID
    tokens: int
    period: str | None = None
    began_at: datetime | None = None


class QuotaService:
    """Within one unit."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._quotas = QuotaRepository(session)
        self._outbox = Outbox(session, clock)
        self._clock = clock

    async def standing(self, account_id: UUID) -> Standing | None:
        """None: nothing limits them."""
        quota = await self._quotas.of(account_id)
        if quota is None:
            return None
        began_at, ends_at = period_of(quota.period, self._clock())
        return Standing(quota, ends_at, *await self._quotas.spending(account_id, quota.period, began_at))

    async def reserve(self, account_id: UUID, prompt_letters: int) -> tuple[Reservation, Standing | None]:
        """Take a request and the likely tokens; whoever has any left may ask once more. Raises `QuotaExceeded`."""
        tokens = likely_tokens(prompt_letters) + ANSWER_TOKENS
        quota = await self._quotas.of(account_id)
        if quota is None:
            return Reservation(account_id, tokens), None
        began_at, ends_at = period_of(quota.period, self._clock())
        is_closed = quota.tokens == 0 or quota.requests == 0
        is_taken = not is_closed and await self._quotas.take(account_id, quota, began_at, tokens)
        standing = Standing(quota, ends_at, *await self._quotas.spending(account_id, quota.period, began_at))
        if not is_taken:
            raise exceeded(standing, self._clock())
        return Reservation(account_id, tokens, quota.period, began_at), standing

    async def settle(self, taken: Reservation, model: str, usage: tuple[int, int] | None, letters: int) -> None:
        """Put what was used, prompt and completion, in place of what was reserved, and into the day's usage.

        Upstreams that count nothing are counted for, by the `letters` that were said to them and by them. An answer
        that failed before its first word costs nothing.
        """
        guessed = max(0, taken.tokens - ANSWER_TOKENS), likely_tokens(letters)
        prompt, completion = usage or (guessed if letters else (0, 0))
        used = prompt + completion
        if taken.period is not None and taken.began_at is not None:
            key = taken.account_id, taken.period, taken.began_at
            await self._quotas.settle(key, used - taken.tokens, 0 if used else -1)
        if used:
            day = self._clock().astimezone(UTC).date()
            await self._quotas.add_usage(taken.account_id, day, model, (prompt, completion))

    async def reserve_for(self, run: Run, prompt_letters: int) -> Standing | None:
        """As `reserve`, noted on the run; raises `QuotaExceeded`."""
        taken, standing = await self.reserve(run.account_id, prompt_letters)
        run.reserved_tokens, run.spending_period, run.spending_from = taken.tokens, taken.period, taken.began_at
        return standing

    async def settle_for(self, run: Run, said: str) -> None:
        taken = Reservation(run.account_id, run.reserved_tokens, run.spending_period, run.spending_from)
        is_counted = run.prompt_tokens is not None and run.completion_tokens is not None
        usage = (run.prompt_tokens or 0, run.completion_tokens or 0) if is_counted else None
        await self.settle(taken, run.model, usage, len(said))

    async def usage(
        self, by: Sequence[str], first: date, last: date, account_id: UUID | None = None, limit: int = 1000
    ) -> Sequence[Any]:
        return await self._quotas.usage(by, first, last, account_id, limit)

    async def all(self, after: UUID | None, limit: int) -> Sequence[Quota]:
        return await self._quotas.all(after, limit)

    async def put(self, new: NewQuota, *, account_id: UUID | None = None, role: str | None = None) -> Quota:
        """Holds from the next question on; what was used in the same kind of period counts."""
        whose: dict[str, Any] = {"account_id": account_id} if account_id else {"role": role}
        quota = await self._quotas.put(whose, new.model_dump())
        fact = QuotaSet(quota_id=quota.id, account_id=account_id, role=role, **new.model_dump())
        self._outbox.publish(fact, key=quota.id)
        return quota

    async def remove(self, quota_id: UUID) -> None:
        """Raises `QuotaNotFound`."""
        quota = await self._quotas.remove(quota_id)
        if quota is None:
            raise QuotaNotFound
        fact = QuotaRemoved(quota_id=quota_id, account_id=quota.account_id, role=quota.role)
        self._outbox.publish(fact, key=quota_id)


def period_of(period: str, now: datetime) -> tuple[datetime, datetime]:
    """Beginning and end of the hour, day or month in UTC."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if period == "hour":
        return hour, hour + timedelta(hours=1)
    day = hour.replace(hour=0)
    if period == "day":
        return day, day + timedelta(days=1)
    month = day.replace(day=1)
    return month, (month + timedelta(days=32)).replace(day=1)


def exceeded(standing: Standing, now: datetime) -> QuotaExceeded:
    quota = standing.quota
    is_tokens = quota.tokens is not None and standing.tokens >= quota.tokens
    return QuotaExceeded(
        retry_after=(standing.ends_at - now).total_seconds(),
        limit=quota.tokens if is_tokens else quota.requests,
        unit="tokens" if is_tokens else "requests",
        period=quota.period,
        until=standing.ends_at.strftime("%Y-%m-%d %H:%M UTC"),
        told=rate_limit_headers(standing, now),
    )


def rate_limit_headers(standing: Standing, now: datetime) -> dict[str, str]:
    """`x-ratelimit-*` as OpenAI names them; resets in seconds."""
    headers, reset = {}, f"{max(1, round((standing.ends_at - now).total_seconds()))}s"
    for unit in ("requests", "tokens"):
        limit = getattr(standing.quota, unit)
        if limit is not None:
            headers[f"x-ratelimit-limit-{unit}"] = str(limit)
            headers[f"x-ratelimit-remaining-{unit}"] = str(max(0, limit - getattr(standing, unit)))
            headers[f"x-ratelimit-reset-{unit}"] = reset
    return headers
