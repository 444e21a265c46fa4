"""The rules of API keys: making, listing, revoking."""

import hashlib
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from madang.accounts.service import AccountService
from madang.apikeys.errors import ApiKeyNotFound, ExpiryOutOfRange, ScopeOutOfReach, TooManyApiKeys
from madang.apikeys.events import ApiKeyMade, ApiKeyRevoked
from madang.apikeys.models import ApiKey
from madang.apikeys.repository import ApiKeyRepository
from madang.apikeys.schemas import NewApiKey
from madang.db.session import Session
from madang.kit import tokens
from madang.kit.caller import Caller
from madang.kit.clock import Clock
from madang.kit.ids import new_id
from madang.kit.scopes import MEMBER_SCOPES, NOT_FOR_KEYS, in_order
from madang.outbox.publish import Outbox

PREFIX = "mdg_"
MOST_KEYS = 50
_LONGEST_LIFE = timedelta(days=3653)
_SHOWN = 12


def digest_of(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


class ApiKeyService:
    def __init__(self, session: Session, accounts: AccountService, clock: Clock) -> None:
        self._keys = ApiKeyRepository(session)
        self._accounts = accounts
        self._outbox = Outbox(session, clock)
        self._clock = clock

    async def make(self, maker: Caller, new: NewApiKey) -> tuple[ApiKey, str]:
        """A key and its text, which nothing keeps.

        Raises `ScopeOutOfReach` when it would reach more than its maker does, `ExpiryOutOfRange`, `TooManyApiKeys`.
        """
        scope, now = _scope(maker, new.scopes), self._clock()
        if new.expires_at is not None and not now < new.expires_at <= now + _LONGEST_LIFE:
            raise ExpiryOutOfRange
        await self._accounts.locked(maker.id)  # of two at once, the second counts the first one's key
        if await self._keys.count(maker.id) >= MOST_KEYS:
            raise TooManyApiKeys(limit=MOST_KEYS)
        text = tokens.encode(PREFIX, os.urandom(32))
        key = _key(maker.id, text, new, scope, now)
        await self._keys.add(key)
        self._outbox.publish(ApiKeyMade(key_id=key.id, account_id=maker.id), key=maker.id)
        return key, text

    async def of(self, account_id: UUID) -> Sequence[ApiKey]:
        return await self._keys.of(account_id)

    async def get(self, account_id: UUID, key_id: UUID) -> ApiKey:
        """Raises `ApiKeyNotFound` for other people's keys too."""
        key = await self._keys.get_own(account_id, key_id)
        if key is None:
            raise ApiKeyNotFound
        return key

    async def revoke(self, account_id: UUID, key_id: UUID) -> None:
        """Refused from the next request on; raises `ApiKeyNotFound`."""
        if not await self._keys.delete_own(account_id, key_id):
            raise ApiKeyNotFound
        self._outbox.publish(ApiKeyRevoked(key_id=key_id, account_id=account_id), key=account_id)


def _scope(maker: Caller, asked: Sequence[str] | None) -> str:
    reach = maker.scopes - NOT_FOR_KEYS
    wanted = set(asked) if asked is not None else reach & set(MEMBER_SCOPES)
    if not wanted or not wanted <= reach:
        raise ScopeOutOfReach(scopes=in_order(wanted - reach))
    return in_order(wanted)


def _key(account_id: UUID, text: str, new: NewApiKey, scope: str, now: datetime) -> ApiKey:
    return ApiKey(
        id=new_id(),
        account_id=account_id,
        name=new.name,
        prefix=text[:_SHOWN],
        digest=digest_of(text),
        scope=scope,
        created_at=now,
        expires_at=new.expires_at,
    )
