"""Webhooks, after Standard Webhooks: signed calls that tell others of events."""

from uuid import UUID

from fastapi import APIRouter, Response

from madang.http.caller import requires
from madang.http.paging import FeedQuery, Page, cut
from madang.webhooks.deps import Webhooks, WebhooksReading
from madang.webhooks.schemas import (
    DeliveryView,
    MadeWebhook,
    NewWebhook,
    ReplayedDeliveries,
    ReplaySince,
    Rotated,
    WebhookPatch,
    WebhookView,
)

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"], dependencies=[requires("admin:webhooks")])


@router.post("", status_code=201, summary="Have events sent to an address; the secret is shown this once")
async def make(body: NewWebhook, webhooks: Webhooks, response: Response) -> MadeWebhook:
    webhook, secret = await webhooks.make(body)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Location"] = f"{router.prefix}/{webhook.id}"
    return MadeWebhook(**WebhookView.model_validate(webhook).model_dump(), secret=secret)


@router.get("", summary="All webhooks, the newest first")
async def list_webhooks(webhooks: WebhooksReading) -> list[WebhookView]:
    return [WebhookView.model_validate(one) for one in await webhooks.all()]


@router.get("/{webhook_id}", summary="One webhook")
async def show(webhook_id: UUID, webhooks: WebhooksReading) -> WebhookView:
    return WebhookView.model_validate(await webhooks.get(webhook_id))


@router.patch("/{webhook_id}", summary="Change a webhook, or switch it off and on")
async def change(webhook_id: UUID, body: WebhookPatch, webhooks: Webhooks) -> WebhookView:
    return WebhookView.model_validate(await webhooks.change(webhook_id, body))


@router.delete("/{webhook_id}", status_code=204, summary="Remove a webhook and what waits for it")
async def remove(webhook_id: UUID, webhooks: Webhooks) -> None:
    await webhooks.remove(webhook_id)


@router.post("/{webhook_id}/rotate", summary="A new secret; the former one signs beside it for a day")
async def rotate(webhook_id: UUID, webhooks: Webhooks, response: Response) -> Rotated:
    secret, until = await webhooks.rotate(webhook_id)
    response.headers["Cache-Control"] = "no-store"
    return Rotated(secret=secret, former_until=until)


@router.post("/{webhook_id}/ping", status_code=202, summary="Send a test event")
async def ping(webhook_id: UUID, webhooks: Webhooks) -> None:
    await webhooks.ping(webhook_id)


@router.get("/{webhook_id}/deliveries", summary="What was sent and what came back, the newest first")
async def list_deliveries(webhook_id: UUID, feed: FeedQuery, webhooks: WebhooksReading) -> Page[DeliveryView]:
    found = await webhooks.deliveries(webhook_id, feed.after, feed.fetch)
    page, following = cut(found, [one.id for one in found], feed)
    return Page(items=[DeliveryView.model_validate(one) for one in page], next_cursor=following)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202, summary="Send one once more")
async def replay(webhook_id: UUID, delivery_id: UUID, webhooks: Webhooks) -> None:
    await webhooks.replay(webhook_id, delivery_id)


@router.post("/{webhook_id}/replay", summary="Send all once more that failed for good since then")
async def replay_since(webhook_id: UUID, body: ReplaySince, webhooks: Webhooks) -> ReplayedDeliveries:
    return ReplayedDeliveries(replayed=await webhooks.replay_since(webhook_id, body.since))
