"""Opening a session for a person whose identity was proven, by whatever way in; or asking for the second factor."""

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from madang.accounts.models import Account
from madang.accounts.role_service import RoleService
from madang.db.session import Session
from madang.factors.service import FactorService
from madang.kit import refresh_token, tokens
from madang.kit.clock import Clock
from madang.kit.ids import new_id
from madang.kit.origin import current_origin
from madang.kit.scopes import ALL_SCOPES, OFFLINE, in_order
from madang.kit.secrets import Keyring
from madang.outbox.publish import Outbox
from madang.sessions.errors import InvalidScope
from madang.sessions.events import ImpersonationStarted, SessionStarted
from madang.sessions.models import SignInChallenge, UserSession
from madang.sessions.repository import SessionRepository

BuildFactors = Callable[[Session], FactorService]
MFA_PREFIX = "mdm_"
MFA_TTL = timedelta(minutes=10)
FOR_OTHERS = frozenset({"profile", "chat", "captions", "media"})
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long sessions live: without use, at most, and how long a replaced refresh token is forgiven."""

    idle: timedelta
    absolute: timedelta
    grace: timedelta


class OpeningService:
    """Its methods run inside the unit in which the proof was checked or used up."""

    def __init__(
        self,
        build_factors: BuildFactors,
        keyring: Keyring,
        lifetimes: Lifetimes,
        clock: Clock,
        device: str | None = None,
    ) -> None:
        """`device`: the device cookie that came with the request."""
        self.build_factors = build_factors
        self._keyring = keyring
        self._lifetimes = lifetimes
        self._clock = clock
        self._device = device

    async def open(self, session: Session, account: Account, scope: str, method: str) -> tuple[UserSession, str]:
        """A new session and its refresh token."""
        reached = await RoleService(session, self._clock).reach_of(account.role)
        started = self._new_session(account, _within_role(scope, reached), method)
        await SessionRepository(session).add(started)
        fact = SessionStarted(session_id=started.id, account_id=account.id)
        Outbox(session, self._clock).publish(fact, key=account.id)
        token = refresh_token.make(self._keyring, started.key_id, started.salt, started.id, started.counter)
        return started, token.encode() if token else ""

    async def impersonate(
        self, session: Session, account: Account, actor_id: UUID, reason: str, life: timedelta
    ) -> UserSession:
        """A session in which somebody else acts for an account: short, never fresh, and without a refresh token.

        It reaches what the account's role does, administration and keys left out.
        """
        reached = await RoleService(session, self._clock).reach_of(account.role)
        started = self._new_session(account, in_order(reached & FOR_OTHERS), "impersonation")
        started.actor_id, started.authenticated_at = actor_id, _NEVER
        started.expires_at = started.idle_expires_at = self._clock() + life
        await SessionRepository(session).add(started)
        fact = ImpersonationStarted(
            session_id=started.id,
            account_id=account.id,
            impersonator_id=actor_id,
            reason=reason,
            expires_at=started.expires_at,
        )
        Outbox(session, self._clock).publish(fact, key=account.id)
        return started

    async def challenge(self, session: Session, account: Account, scope: str, method: str = "pwd") -> str | None:
        """The token that a second factor completes, good for ten minutes; None when the account has none."""
        if not await self.build_factors(session).is_enrolled(account.id):
            return None
        token = tokens.encode(MFA_PREFIX, os.urandom(32))
        challenge = SignInChallenge(
            digest=digest_of(token),
            account_id=account.id,
            scope=scope,
            method=method,
            password_mark=password_mark(account),
            expires_at=self._clock() + MFA_TTL,
        )
        await SessionRepository(session).add_challenge(challenge)
        return token

    def _new_session(self, account: Account, scope: str, method: str) -> UserSession:
        now, origin, session_id = self._clock(), current_origin(), new_id()
        return UserSession(
            id=session_id,
            account_id=account.id,
            salt=os.urandom(refresh_token.SALT_BYTES),
            key_id=self._keyring.current_id,
            counter=0,
            rotated_at=now,
            scope=scope,
            method=method,
            authenticated_at=now,
            created_at=now,
            last_used_at=now,
            idle_expires_at=now + self._lifetimes.idle,
            expires_at=now + self._lifetimes.absolute,
            ip=origin.ip,
            device=device_digest(device_of(self._keyring, session_id)),
            presented_device=device_digest(self._device) if self._device else None,
            user_agent=origin.user_agent,
        )


def device_of(keyring: Keyring, session_id: UUID) -> str:
    """The device cookie that the sign-in of this session leaves: new each time, so that a planted one is not kept."""
    return hmac.new(keyring.current_key("device"), session_id.bytes, hashlib.sha256).hexdigest()


def device_digest(device: str) -> bytes:
    return hashlib.sha256(device.encode()).digest()


def digest_of(mfa_token: str) -> bytes:
    """What is stored of a challenge's token."""
    return hashlib.sha256(mfa_token.encode()).digest()


def password_mark(account: Account) -> bytes:
    """Tells whether a password was changed since."""
    return hashlib.sha256((account.password_hash or "").encode()).digest()


def grant_scope(asked: str | None) -> str:
    """What is granted as far as the role reaches: everything, or the subset asked for; a refresh token in the body only
    when asked. Raises `InvalidScope`."""
    wanted = set((asked or "").split())
    if not wanted <= set(ALL_SCOPES):
        raise InvalidScope(known=" ".join(ALL_SCOPES))
    if not wanted - {OFFLINE}:
        wanted |= set(ALL_SCOPES) - {OFFLINE}
    return in_order(wanted)


def _within_role(scope: str, reached: frozenset[str]) -> str:
    granted = set(scope.split()) & reached
    if not granted - {OFFLINE}:
        raise InvalidScope(known=in_order(reached))
    return in_order(granted)
