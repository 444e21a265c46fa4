"""What a token is worth now (RFC 7662), for servers of others that are handed our tokens."""

from datetime import datetime
from typing import Any

from madang.apikeys.authentication_service import ApiKeyAuthenticationService, reach_of
from madang.db.session import Database
from madang.kit import refresh_token
from madang.kit.clock import Clock
from madang.kit.scopes import in_order
from madang.kit.secrets import Keyring
from madang.sessions.authentication_service import AuthenticationService, effective_scopes
from madang.sessions.repository import SessionRepository
from madang.sessions.rotation_service import readable_refresh_tokens
from madang.sessions.schemas import Actor, Introspection


class IntrospectionService:
    """Knows access tokens, the live refresh token of a session, and API keys; anything else is not active."""

    def __init__(
        self,
        database: Database,
        authentication: AuthenticationService,
        api_keys: ApiKeyAuthenticationService,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._database = database
        self._authentication = authentication
        self._api_keys = api_keys
        self._keyring = keyring
        self._clock = clock

    async def introspect(self, token: str) -> Introspection:
        """Active means good at this moment; what is not says nothing else (RFC 7662 §2.2)."""
        return (
            await self._access_token(token)
            or await self._refresh_token(token)
            or await self._api_key(token)
            or Introspection(active=False)
        )

    async def _access_token(self, token: str) -> Introspection | None:
        found = await self._authentication.find(token)
        if found is None:
            return None
        read, row = found
        known = self._known(row, in_order(effective_scopes(read, row)), read.expires_at)
        more = {"token_type": "Bearer", "nbf": read.not_before, "aud": known.iss}
        return known.model_copy(update=more | ({"act": Actor(sub=str(row.actor_id))} if row.actor_id else {}))

    async def _refresh_token(self, token: str) -> Introspection | None:
        for presented in readable_refresh_tokens([token]):
            async with self._database.read_unit() as session:
                family = await SessionRepository(session).live_with_account(presented.session_id, self._clock())
            if family is None or presented.counter != family[0].counter:
                return None
            started, account = family
            if refresh_token.proves(self._keyring, presented, started.salt):
                return self._known(account, started.scope, min(started.idle_expires_at, started.expires_at))
        return None

    async def _api_key(self, token: str) -> Introspection | None:
        row = await self._api_keys.find(token)
        return row and self._known(row, in_order(reach_of(row)), row.expires_at)

    def _known(self, person: Any, scope: str, expires_at: int | datetime | None) -> Introspection:
        return Introspection(
            active=True,
            scope=scope,
            sub=str(person.id),
            username=person.account_id,
            client_id="madang",
            iss=self._authentication.issuer,
            exp=int(expires_at.timestamp()) if isinstance(expires_at, datetime) else expires_at,
        )
