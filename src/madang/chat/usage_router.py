"""What one has used of the models, and what is left of the quota."""

from datetime import UTC, date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from madang.chat.deps import QuotasReading
from madang.chat.errors import PeriodTooLong
from madang.chat.quota_service import Standing, rate_limit_headers
from madang.chat.schemas import DayView, LimitView, OwnUsageView, StandingView
from madang.http.caller import CurrentUser, requires
from madang.http.limits import limited_by_person
from madang.http.state import App

router = APIRouter(
    prefix="/api/v1/chat/usage", tags=["chat"], dependencies=[requires("chat"), limited_by_person("chat")]
)
LONGEST_DAYS = 366
_USUAL_DAYS = 30


async def _days(
    app: App,
    first: Annotated[date | None, Query(alias="from", description="absent: 30 days before `to`")] = None,
    last: Annotated[date | None, Query(alias="to", description="absent: today, in UTC")] = None,
) -> tuple[date, date]:
    last = last or app.clock().astimezone(UTC).date()
    first = first or date.fromordinal(max(1, last.toordinal() - _USUAL_DAYS))
    if not timedelta(0) <= last - first <= timedelta(days=LONGEST_DAYS):
        raise PeriodTooLong(days=LONGEST_DAYS)
    return first, last


Days = Annotated[tuple[date, date], Depends(_days)]


@router.get("", summary="What one has used, by day and model, and the quota")
async def show_usage(user: CurrentUser, days: Days, quotas: QuotasReading) -> OwnUsageView:
    """The latest day first."""
    standing = await quotas.standing(user.id)
    rows = await quotas.usage(("day", "model"), *days, user.id)
    items = [DayView(**row._mapping, total_tokens=row.prompt_tokens + row.completion_tokens) for row in rows]
    return OwnUsageView(quota=_view(standing) if standing else None, items=items)


def quota_headers(standing: Standing | None, app: App) -> dict[str, str]:
    """The numbers of `GET /usage` as headers; none without a quota."""
    return rate_limit_headers(standing, app.clock()) if standing else {}


def _view(standing: Standing) -> StandingView:
    def limit(unit: str) -> LimitView | None:
        most, used = getattr(standing.quota, unit), getattr(standing, unit)
        return None if most is None else LimitView(limit=most, used=used, remaining=max(0, most - used))

    return StandingView(
        period=standing.quota.period, ends_at=standing.ends_at, tokens=limit("tokens"), requests=limit("requests")
    )
