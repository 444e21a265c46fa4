"""The life of signing keys: published, signing, verifying what still lives, gone.

A key is listed in the JWKS and known to every server for a while before it signs, and stays until the last token that
it signed has died, so that no rotation refuses a token. Servers read the keys every `REREAD`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from madang.db.session import Session, advisory_lock
from madang.kit.access_token import JITTER
from madang.kit.clock import Clock
from madang.kit.ids import new_id
from madang.kit.secrets import Keyring
from madang.kit.token_keys import Algorithm, TokenKey, new_jwk
from madang.sessions.errors import NoSuchSigningKey
from madang.sessions.key_repository import KeyRepository
from madang.sessions.models import SigningKey

REREAD = timedelta(seconds=30)
# Twice the five minutes for which caches may keep our JWKS.
LEAD = timedelta(minutes=10)
_MARGIN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """What new keys are like: their algorithm, and how long the tokens that they sign live."""

    algorithm: Algorithm
    access_ttl: timedelta

    @property
    def afterlife(self) -> timedelta:
        """How long a replaced key is still needed: a token's life, its jitter, and the laggards among the servers."""
        return self.access_ttl * (1 + JITTER) + REREAD + _MARGIN


class KeyService:
    """Its methods run inside a unit, and one after another across all servers."""

    def __init__(self, session: Session, keyring: Keyring, policy: KeyPolicy, clock: Clock) -> None:
        self._session = session
        self._keys = KeyRepository(session)
        self._keyring = keyring
        self._policy = policy
        self._clock = clock

    async def usable(self) -> list[TokenKey]:
        """Raises `UnreadableSecret` when one is sealed under a secret that is no longer listed."""
        return [_opened(row, self._keyring) for row in await self._keys.usable(self._clock())]

    async def ensure(self) -> None:
        """See to it that a key of the wanted algorithm signs, now or after its lead."""
        await self._lock()
        keys = await self._keys.usable(self._clock())
        if not keys:
            await self._make(self._clock(), self._policy.algorithm)
        elif keys[0].algorithm != self._policy.algorithm:
            await self._replace(keys, self._clock() + LEAD, self._policy.algorithm)

    async def rotate(self, lead: timedelta, algorithm: Algorithm | None = None) -> SigningKey:
        """A new key that signs after `lead`; those that sign until then verify as long as their tokens live."""
        await self._lock()
        keys = await self._keys.usable(self._clock())
        return await self._replace(keys, self._clock() + lead, algorithm or self._policy.algorithm)

    async def revoke(self, key_id: str) -> SigningKey | None:
        """Forget a key that leaked: tokens signed with it are refused within `REREAD` on every server.

        Returns the key that signs in its place when it was the one that signed. Raises `NoSuchSigningKey`.
        """
        await self._lock()
        if not await self._keys.remove(key_id):
            raise NoSuchSigningKey(key_id=key_id)
        now = self._clock()
        lasting = [key for key in await self._keys.usable(now) if key.retires_at is None]
        if any(key.signs_from <= now for key in lasting):
            return None
        if not lasting:
            return await self._make(now, self._policy.algorithm)
        lasting[-1].signs_from = now  # what was to sign next is published already
        return lasting[-1]

    async def listed(self) -> Sequence[SigningKey]:
        return await self._keys.usable(self._clock())

    async def _replace(self, keys: Sequence[SigningKey], signs_from: datetime, algorithm: Algorithm) -> SigningKey:
        for late in [key for key in keys if key.signs_from > max(signs_from, self._clock())]:
            await self._keys.remove(late.id)  # it never signed, and would take over from the new one
        new = await self._make(signs_from, algorithm)
        await self._keys.retire([key.id for key in keys], signs_from + self._policy.afterlife)
        return new

    async def _make(self, signs_from: datetime, algorithm: Algorithm) -> SigningKey:
        key = SigningKey(
            id=new_id().hex,
            algorithm=algorithm,
            sealed=self._keyring.seal(new_jwk(algorithm)),
            created_at=self._clock(),
            signs_from=signs_from,
        )
        await self._keys.add(key)
        return key

    async def _lock(self) -> None:
        await advisory_lock(self._session, "signing keys")


def state_of(key: SigningKey, keys: Sequence[SigningKey], now: datetime) -> str:
    """`next`, `signing` or `verifying`, among the usable ones."""
    if key.signs_from > now:
        return "next"
    started = [one for one in keys if one.signs_from <= now]
    return "signing" if key is max(started, key=lambda one: one.signs_from) else "verifying"


def _opened(row: SigningKey, keyring: Keyring) -> TokenKey:
    return TokenKey(row.id, row.algorithm, keyring.unseal(row.sealed), row.signs_from.timestamp())
