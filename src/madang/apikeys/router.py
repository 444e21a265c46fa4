"""One's own API keys. A key is made with a fresh sign-in; one that leaked can be revoked with any session."""

from uuid import UUID

from fastapi import APIRouter, Response

from madang.apikeys.deps import ApiKeys, ApiKeysReading
from madang.apikeys.schemas import ApiKeyView, MadeApiKey, NewApiKey
from madang.http.caller import FreshUser, SessionUser, requires
from madang.http.paging import Page
from madang.kit.scopes import KEYS

router = APIRouter(prefix="/api/v1/api-keys", tags=["api-keys"], dependencies=[requires(KEYS)])


@router.post("", status_code=201, summary="Make an API key; its text is shown this once")
async def make(body: NewApiKey, user: FreshUser, keys: ApiKeys, response: Response) -> MadeApiKey:
    key, text = await keys.make(user, body)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Location"] = f"{router.prefix}/{key.id}"
    return MadeApiKey(**ApiKeyView.model_validate(key).model_dump(), key=text)


@router.get("", summary="One's own API keys, the newest first")
async def list_keys(user: SessionUser, keys: ApiKeysReading) -> Page[ApiKeyView]:
    items = [ApiKeyView.model_validate(key) for key in await keys.of(user.id)]
    return Page(items=items, next_cursor=None)


@router.get("/{key_id}", summary="One API key")
async def show(key_id: UUID, user: SessionUser, keys: ApiKeysReading) -> ApiKeyView:
    return ApiKeyView.model_validate(await keys.get(user.id, key_id))


@router.delete("/{key_id}", status_code=204, summary="Revoke an API key")
async def revoke(key_id: UUID, user: SessionUser, keys: ApiKeys) -> None:
    await keys.revoke(user.id, key_id)
