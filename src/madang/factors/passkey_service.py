"""The rules of passkeys: adding, listing and removing them, and checking what their authenticators answer."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from madang.db.session import Database, Session
from madang.factors.errors import (
    NoSuchPasskey,
    PasskeyChallengeUsed,
    PasskeyCounterBehind,
    PasskeyRefused,
    PersonNotVerified,
    TooManyPasskeys,
    UnreadablePasskey,
    WrongPasskeyOrigin,
    WrongPasskeySite,
)
from madang.factors.events import PasskeyAdded, PasskeyCloneSuspected, PasskeyRemoved
from madang.factors.models import Passkey, PasskeyChallenge
from madang.factors.passkey_repository import PasskeyRepository
from madang.factors.service import FactorService
from madang.kit import passkeys
from madang.kit.clock import Clock
from madang.kit.ids import new_id
from madang.kit.passkeys import Assertion, Created, Fault, Known, PasskeyFault, Person, RelyingParty, Used
from madang.kit.problems import Problem
from madang.outbox.publish import Outbox

REGISTER, LOGIN, VERIFY = "register", "login", "verify"
CHALLENGE_TTL = timedelta(seconds=passkeys.CHALLENGE_SECONDS)
MOST_PASSKEYS = 20
BuildFactors = Callable[[Session], FactorService]
_REFUSALS: dict[Fault, type[Problem]] = {
    Fault.UNREADABLE: UnreadablePasskey,
    Fault.ORIGIN: WrongPasskeyOrigin,
    Fault.RELYING_PARTY: WrongPasskeySite,
    Fault.NOT_VERIFIED: PersonNotVerified,
    Fault.NOT_PROVEN: PasskeyRefused,
}


@dataclass(frozen=True, slots=True)
class Redeemed:
    """An answer whose challenge is used up, and the passkey that it names; not yet checked against each other."""

    assertion: Assertion
    was_asked_for: bool
    passkey: Passkey | None


class PasskeyService:
    """Takes the database rather than a unit: signatures are verified between two short units, never inside one."""

    def __init__(self, database: Database, party: RelyingParty, build_factors: BuildFactors, clock: Clock) -> None:
        self._database = database
        self._party = party
        self._build_factors = build_factors
        self._clock = clock

    async def of(self, account_id: UUID) -> Sequence[Passkey]:
        async with self._database.read_unit() as session:
            return await PasskeyRepository(session).of(account_id)

    async def begin(self, account_id: UUID, name: str, display_name: str) -> dict[str, Any]:
        """What the browser makes a new passkey from; raises `TooManyPasskeys`."""
        challenge = passkeys.new_challenge()
        async with self._database.unit() as session:
            known = await PasskeyRepository(session).of(account_id)
            _ensure_room(len(known))
            await self._remember(session, challenge, REGISTER, account_id=account_id)
        person = Person(account_id.bytes, name, display_name)
        return passkeys.creation_options(self._party, person, challenge, _known(known))

    async def add(self, account_id: UUID, answer: Mapping[str, Any], name: str) -> tuple[Passkey, list[str] | None]:
        """The new passkey, and recovery codes if there are none yet.

        Raises a problem for each way in which the answer can be wrong, `PasskeyAlreadyAdded` or `TooManyPasskeys`.
        """
        with self._translated():
            creation = passkeys.read_creation(self._party, answer)
        async with self._database.unit() as session:
            was_asked_for = await self._use_challenge(session, creation.challenge, REGISTER, account_id=account_id)
        if not was_asked_for:
            raise PasskeyChallengeUsed
        with self._translated():
            made = passkeys.verify_creation(self._party, creation)
        passkey = self._new_passkey(account_id, made, name)
        async with self._database.unit() as session:
            factors, stored = self._build_factors(session), PasskeyRepository(session)
            await factors.lock(account_id)
            _ensure_room(await stored.count(account_id))
            await stored.add(passkey)
            fact = PasskeyAdded(account_id=account_id, passkey_id=passkey.id)
            Outbox(session, self._clock).publish(fact, key=account_id)
            return passkey, await factors.first_recovery_codes(account_id)

    async def rename(self, account_id: UUID, passkey_id: UUID, name: str) -> Passkey:
        async with self._database.unit() as session:
            passkey = await PasskeyRepository(session).rename(account_id, passkey_id, name)
        if passkey is None:
            raise NoSuchPasskey
        return passkey

    async def remove(self, account_id: UUID, passkey_id: UUID) -> None:
        """The recovery codes go with the last factor."""
        async with self._database.unit() as session:
            factors = self._build_factors(session)
            await factors.lock(account_id)
            if not await PasskeyRepository(session).remove(account_id, passkey_id):
                raise NoSuchPasskey
            await factors.drop_needless_recovery_codes(account_id)
            fact = PasskeyRemoved(account_id=account_id, passkey_id=passkey_id)
            Outbox(session, self._clock).publish(fact, key=account_id)

    async def ask(
        self, purpose: str, owner: UUID | None = None, *, mfa_digest: bytes | None = None, must_verify: bool = True
    ) -> dict[str, Any]:
        """What the browser uses a passkey by; the passkeys of `owner`, who must have one, or any that are found."""
        challenge = passkeys.new_challenge()
        async with self._database.unit() as session:
            known = await PasskeyRepository(session).of(owner) if owner else []
            if owner and not known:
                raise NoSuchPasskey
            bound_to = owner if purpose == VERIFY else None
            await self._remember(session, challenge, purpose, account_id=bound_to, mfa_digest=mfa_digest)
        return passkeys.request_options(self._party, challenge, _known(known), must_verify=must_verify)

    def read(self, answer: Mapping[str, Any], *, must_verify: bool) -> Assertion:
        """Raises what is wrong with the answer whoever gave it."""
        with self._translated():
            return passkeys.read_assertion(self._party, answer, must_verify=must_verify)

    async def redeem(
        self,
        session: Session,
        assertion: Assertion,
        purpose: str,
        *,
        account_id: UUID | None = None,
        mfa_digest: bytes | None = None,
    ) -> Redeemed:
        """Use the challenge up, whatever `check` says of the rest: an answer counts once."""
        was_asked_for = await self._use_challenge(
            session, assertion.challenge, purpose, account_id=account_id, mfa_digest=mfa_digest
        )
        return Redeemed(
            assertion, was_asked_for, await PasskeyRepository(session).by_credential(assertion.credential_id)
        )

    def check(self, redeemed: Redeemed, owner: UUID | None = None) -> tuple[Passkey, Used]:
        """The passkey that signed, which is `owner`'s, or names its own; outside any unit.

        Raises `PasskeyChallengeUsed`, or `PasskeyRefused` alike for an unknown passkey and a wrong signature.
        """
        if not redeemed.was_asked_for:
            raise PasskeyChallengeUsed
        passkey, handle = redeemed.passkey, redeemed.assertion.user_handle
        if passkey is None or passkey.account_id != (owner or passkey.account_id):
            raise PasskeyRefused
        if handle != passkey.account_id.bytes and (handle is not None or owner is None):
            raise PasskeyRefused
        with self._translated():
            return passkey, passkeys.verify_assertion(self._party, redeemed.assertion, passkey.public_key)

    async def note_use(self, session: Session, passkey: Passkey, used: Used) -> None:
        """Raises `PasskeyCounterBehind`, upon which the caller's unit is undone and `tell_of_clone` is due; or
        `PasskeyRefused` when it was removed meanwhile."""
        stored, now = PasskeyRepository(session), self._clock()
        if await stored.advance(passkey.id, used.sign_count, now, is_backed_up=used.is_backed_up):
            return
        raise PasskeyCounterBehind if await stored.exists(passkey.id) else PasskeyRefused

    async def tell_of_clone(self, passkey: Passkey) -> None:
        async with self._database.unit() as session:
            fact = PasskeyCloneSuspected(account_id=passkey.account_id, passkey_id=passkey.id)
            Outbox(session, self._clock).publish(fact, key=passkey.account_id)

    def _new_passkey(self, account_id: UUID, made: Created, name: str) -> Passkey:
        return Passkey(
            id=new_id(),
            account_id=account_id,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            transports=list(made.transports),
            aaguid=made.aaguid,
            is_backed_up=made.is_backed_up,
            name=name,
            created_at=self._clock(),
            last_used_at=None,
        )

    async def _remember(
        self,
        session: Session,
        challenge: bytes,
        purpose: str,
        *,
        account_id: UUID | None,
        mfa_digest: bytes | None = None,
    ) -> None:
        row = PasskeyChallenge(
            digest=_digest(challenge),
            purpose=purpose,
            account_id=account_id,
            mfa_digest=mfa_digest,
            expires_at=self._clock() + CHALLENGE_TTL,
        )
        await PasskeyRepository(session).add_challenge(row)

    async def _use_challenge(
        self,
        session: Session,
        challenge: bytes,
        purpose: str,
        *,
        account_id: UUID | None = None,
        mfa_digest: bytes | None = None,
    ) -> bool:
        stored, now = PasskeyRepository(session), self._clock()
        return await stored.use_challenge(_digest(challenge), purpose, account_id, mfa_digest, now)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PasskeyFault as fault:
            origins, site = ", ".join(self._party.origins), self._party.id
            raise _REFUSALS[fault.fault](origins=origins, site=site) from None


def _ensure_room(count: int) -> None:
    if count >= MOST_PASSKEYS:
        raise TooManyPasskeys(most=MOST_PASSKEYS)


def _known(stored: Sequence[Passkey]) -> list[Known]:
    return [Known(one.credential_id, tuple(one.transports)) for one in stored]


def _digest(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()
