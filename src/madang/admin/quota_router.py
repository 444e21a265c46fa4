"""How much people may use of the models, and how much they do."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from madang.accounts.deps import Accounts, Roles
from madang.accounts.errors import AccountNotFound
from madang.admin.schemas import UsageReport, UsedBy
from madang.chat.deps import Quotas, QuotasReading
from madang.chat.schemas import NewQuota, QuotaView
from madang.chat.usage_router import Days
from madang.http.caller import requires
from madang.http.paging import FeedQuery, Page, cut

router = APIRouter(prefix="/api/v1/admin", tags=["operations"], dependencies=[requires("admin:operations")])
By = Literal["day", "model", "account_id"]


@router.get("/quotas", summary="All quotas")
async def list_quotas(feed: FeedQuery, quotas: QuotasReading) -> Page[QuotaView]:
    """Whoever has none of their own has their role's; without either, nothing limits them."""
    rows = await quotas.all(feed.after, feed.fetch)
    page, following = cut(rows, [row.id for row in rows], feed)
    return Page(items=[QuotaView.model_validate(row) for row in page], next_cursor=following)


@router.put("/quotas/roles/{role_id}", summary="Limit everybody of a role")
async def limit_role(role_id: UUID, body: NewQuota, roles: Roles, quotas: Quotas) -> QuotaView:
    """Each for themselves; holds from the next question on."""
    role = await roles.get(role_id)
    return QuotaView.model_validate(await quotas.put(body, role=role.name))


@router.put("/quotas/users/{user_id}", summary="Limit one person, whatever their role has")
async def limit_person(user_id: UUID, body: NewQuota, accounts: Accounts, quotas: Quotas) -> QuotaView:
    account = await accounts.get(user_id)
    if account is None or account.deleted_at is not None:
        raise AccountNotFound
    return QuotaView.model_validate(await quotas.put(body, account_id=user_id))


@router.delete("/quotas/{quota_id}", status_code=204, summary="Take a quota away")
async def remove_quota(quota_id: UUID, quotas: Quotas) -> None:
    await quotas.remove(quota_id)


@router.get("/usage", summary="What people have used, by day, model or person")
async def show_usage(
    quotas: QuotasReading,
    days: Days,
    by: Annotated[list[By], Query(max_length=3, description="repeat it to group by several")] = ["day"],  # noqa: B006 - FastAPI reads it
    user_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> UsageReport:
    """Of days the latest first, of others whoever used most first. Whoever was erased is in it no more."""
    rows = await quotas.usage(list(dict.fromkeys(by)), *days, user_id, limit)
    return UsageReport(items=_items(rows))


def _items(rows: Sequence[Any]) -> list[UsedBy]:
    return [UsedBy(**row._mapping, total_tokens=row.prompt_tokens + row.completion_tokens) for row in rows]
