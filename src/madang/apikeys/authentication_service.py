"""Answers whose API key came with a request."""

from collections import OrderedDict
from contextlib import suppress
from datetime import timedelta
from typing import Any

from madang.apikeys.errors import InvalidApiKey
from madang.apikeys.repository import ApiKeyRepository, caller
from madang.apikeys.service import PREFIX, digest_of
from madang.db.session import Database, DatabaseUnavailable
from madang.kit import tokens
from madang.kit.caller import Caller
from madang.kit.clock import Clock
from madang.kit.scopes import reach
from madang.kit.tokens import MalformedToken

_REMEMBERED = 10_000
_LAST_USE_STEP = timedelta(minutes=1)


class ApiKeyAuthenticationService:
    """The `Authenticator` of keys. The row is read at each request: a revoked key is refused from the next on."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._owners: OrderedDict[bytes, str] = OrderedDict()

    def subject(self, token: str) -> str | None:
        """Whose key it was when it was last good: enough to count the requests of a person together."""
        return self._owners.get(digest_of(token))

    async def authenticate(self, token: str) -> Caller:
        """Raises `InvalidApiKey`; a mistyped key costs no query."""
        found = await self.find(token)
        if found is None:
            raise InvalidApiKey
        await self._note_use(found)
        return Caller(found, reach_of(found))

    async def find(self, token: str) -> Any:
        """The row of a key that is good now, with its account's; None otherwise."""
        try:
            tokens.decode(PREFIX, token)
        except MalformedToken:
            return None
        digest = digest_of(token)
        row = await caller(self._database, digest)
        if row is None or not row.is_active or (row.expires_at and row.expires_at <= self._clock()):
            return None
        self._remember(digest, str(row.id))
        return row

    def _remember(self, digest: bytes, owner: str) -> None:
        self._owners[digest] = owner
        if len(self._owners) > _REMEMBERED:
            self._owners.popitem(last=False)

    async def _note_use(self, row: Any) -> None:
        """Once a minute at most; a database that can't write now is no reason to refuse a key that is good."""
        now = self._clock()
        if row.last_used_at is not None and row.last_used_at > now - _LAST_USE_STEP:
            return
        with suppress(DatabaseUnavailable):
            async with self._database.unit() as session:
                await ApiKeyRepository(session).used(row.key_id, now, now - _LAST_USE_STEP)


def reach_of(row: Any) -> frozenset[str]:
    """What key and role have in common."""
    return frozenset(row.scope.split()) & reach(row.permissions)
