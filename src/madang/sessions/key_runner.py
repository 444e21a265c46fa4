"""Keeps a server's signing keys those of the database: read at times, and when a token names one that is not known."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from madang.db.session import Database, DatabaseUnavailable
from madang.kit.access_token import AccessTokens
from madang.kit.clock import Clock
from madang.kit.secrets import Keyring, UnreadableSecret
from madang.kit.tasks import end
from madang.kit.token_keys import TokenKey
from madang.sessions.authentication_service import AuthenticationService
from madang.sessions.key_service import REREAD, KeyPolicy, KeyService

log = structlog.get_logger("madang.sessions")
COOL_DOWN_SECONDS = 5.0


class KeyRunner:
    def __init__(self, database: Database, keyring: Keyring, policy: KeyPolicy, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._policy = policy
        self._clock = clock
        self._reading = asyncio.Lock()
        self._read_at = 0.0

    async def first(self) -> list[TokenKey]:
        """The keys to start with, one of the wanted algorithm among them."""
        async with self._database.unit() as session:
            service = KeyService(session, self._keyring, self._policy, self._clock)
            await service.ensure()
            return await service.usable()

    async def run(self, tokens: AccessTokens) -> None:
        while True:
            await asyncio.sleep(REREAD.total_seconds())
            await self.reread(tokens)

    async def learn(self, tokens: AccessTokens) -> None:
        """Read the keys for a token that names an unknown one: once per cool-down, whatever comes meanwhile."""
        async with self._reading:
            now = asyncio.get_running_loop().time()
            if now - self._read_at >= COOL_DOWN_SECONDS:
                self._read_at = now
                await self.reread(tokens)

    async def reread(self, tokens: AccessTokens) -> None:
        """What can't be read now leaves the keys as they are."""
        try:
            async with self._database.read_unit() as session:
                keys = await KeyService(session, self._keyring, self._policy, self._clock).usable()
        except (DatabaseUnavailable, UnreadableSecret) as error:
            log.warning("signing keys not read", reason=str(error))
        else:
            if keys:
                tokens.use(keys)


@asynccontextmanager
async def authenticating(
    database: Database, keyring: Keyring, issuer: str, policy: KeyPolicy, clock: Clock
) -> AsyncIterator[AuthenticationService]:
    """The service that knows access tokens, kept up to date for as long as the context lasts."""
    runner = KeyRunner(database, keyring, policy, clock)
    tokens = AccessTokens(await runner.first(), issuer, policy.access_ttl)
    following = asyncio.create_task(runner.run(tokens))
    try:
        yield AuthenticationService(database, tokens, clock, lambda: runner.learn(tokens))
    finally:
        await end(following)
