"""Opening a session for a person whose identity was proven, by whatever way in; or asking for the second factor."""

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from madang.accounts.models import Account
from madang.db.session import Session
from madang.factors.service import FactorService
from madang.kit import refresh_token, tokens
from madang.kit.clock import Clock
from madang.kit.ids import new_id
from madang.kit.origin import current_origin
from madang.kit.secrets import Keyring
from madang.outbox.publish import Outbox
from madang.sessions.errors import InvalidScope
from madang.sessions.events import SessionStarted
from madang.sessions.models import SignInChallenge, UserSession
from madang.sessions.repository import SessionRepository
from madang.sessions.schemas import DEFAULT_SCOPE, OFFLINE

BuildFactors = Callable[[Session], FactorService]
MFA_PREFIX = "mdm_"
MFA_TTL = timedelta(minutes=10)


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
        started = self._new_session(account, scope, method)
        await SessionRepository(session).add(started)
        fact = SessionStarted(session_id=started.id, account_id=account.id)
        Outbox(session, self._clock).publish(fact, key=account.id)
        token = refresh_token.make(self._keyring, started.key_id, started.salt, started.id, started.counter)
        return started, token.encode() if token else ""

    async def challenge(self, session: Session, account: Account, scope: str) -> str | None:
        """The token that a second factor completes, good for ten minutes; None when the account has none."""
        if not await self.build_factors(session).is_enrolled(account.id):
            return None
        token = tokens.encode(MFA_PREFIX, os.urandom(32))
        challenge = SignInChallenge(
            digest=digest_of(token),
            account_id=account.id,
            scope=scope,
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
    """What is granted: all a member has, or the subset asked for, in the order of `DEFAULT_SCOPE`."""
    known = [*DEFAULT_SCOPE.split(), OFFLINE]
    wanted = set((asked or "").split())
    if not wanted <= set(known):
        raise InvalidScope(known=" ".join(known))
    if not wanted - {OFFLINE}:
        wanted |= set(DEFAULT_SCOPE.split())
    return " ".join(scope for scope in known if scope in wanted)
