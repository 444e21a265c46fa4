"""The rules of second factors: enrolling, proving, recovering."""

from uuid import UUID

from madang.db.session import Session, advisory_lock
from madang.factors.errors import NoSuchFactor, TotpAlreadyOn, WrongCode
from madang.factors.events import RecoveryCodesMade, TotpEnrolled, TotpRemoved
from madang.factors.models import Totp
from madang.factors.passkey_repository import PasskeyRepository
from madang.factors.repository import FactorRepository
from madang.kit import one_time_codes
from madang.kit.clock import Clock
from madang.kit.secrets import Keyring
from madang.kit.tokens import as_typed, readable_code
from madang.outbox.publish import Outbox

RECOVERY_CODES = 10
_PURPOSE = "recovery code"


class FactorService:
    def __init__(self, session: Session, keyring: Keyring, clock: Clock) -> None:
        self._session = session
        self._factors = FactorRepository(session)
        self._passkeys = PasskeyRepository(session)
        self._outbox = Outbox(session, clock)
        self._keyring = keyring
        self._clock = clock

    async def lock(self, account_id: UUID) -> None:
        """Serialise changes of one person's factors: which is the first or the last of them decides about codes."""
        await advisory_lock(self._session, f"factors {account_id}")

    async def is_enrolled(self, account_id: UUID) -> bool:
        return await self.has_totp(account_id) or await self.passkeys(account_id) > 0

    async def has_totp(self, account_id: UUID) -> bool:
        return await self._confirmed_totp(account_id) is not None

    async def passkeys(self, account_id: UUID) -> int:
        return await self._passkeys.count(account_id)

    async def methods(self, account_id: UUID) -> list[str]:
        """What may complete a sign-in: otp, passkey, recovery."""
        has = {
            "otp": await self.has_totp(account_id),
            "passkey": await self.passkeys(account_id),
            "recovery": await self.recovery_codes_left(account_id),
        }
        return [method for method, count in has.items() if count]

    async def recovery_codes_left(self, account_id: UUID) -> int:
        return await self._factors.recovery_codes_left(account_id)

    async def begin(self, account_id: UUID) -> str:
        """A new secret that counts once it is confirmed; asking again replaces it. Raises `TotpAlreadyOn`."""
        totp = await self._factors.locked_totp(account_id)
        if totp is not None and totp.confirmed_at is not None:
            raise TotpAlreadyOn
        secret = one_time_codes.new_secret()
        sealed = self._keyring.seal(secret.encode())
        if totp is not None:
            totp.sealed = sealed
        else:
            await self._factors.add_totp(Totp(account_id=account_id, sealed=sealed, created_at=self._clock()))
        return secret

    async def confirm(self, account_id: UUID, code: str) -> list[str] | None:
        """Switch the factor on by a first code; returns recovery codes if there are none yet.

        Raises `NoSuchFactor` or `WrongCode`.
        """
        await self.lock(account_id)
        totp = await self._factors.locked_totp(account_id)
        if totp is None or totp.confirmed_at is not None:
            raise NoSuchFactor
        step = self._step(totp, code)
        if step is None or not await self._factors.confirm(account_id, step, self._clock()):
            raise WrongCode
        self._outbox.publish(TotpEnrolled(account_id=account_id), key=account_id)
        return await self.first_recovery_codes(account_id)

    async def remove(self, account_id: UUID) -> None:
        """Switch the authenticator app off; the recovery codes go with the last factor. Raises `NoSuchFactor`."""
        await self.lock(account_id)
        totp = await self._factors.locked_totp(account_id)
        if totp is None:
            raise NoSuchFactor
        await self._factors.remove_totp(totp)
        await self.drop_needless_recovery_codes(account_id)
        self._outbox.publish(TotpRemoved(account_id=account_id), key=account_id)

    async def first_recovery_codes(self, account_id: UUID) -> list[str] | None:
        """Ten new codes for whoever has none; None for others, whose codes go on."""
        return None if await self.recovery_codes_left(account_id) else await self._new_codes(account_id)

    async def drop_needless_recovery_codes(self, account_id: UUID) -> None:
        """Codes stand in for factors, so they go with the last one."""
        if not await self.is_enrolled(account_id):
            await self._factors.replace_recovery_codes(account_id, [], self._keyring.current_id)

    async def renew_recovery_codes(self, account_id: UUID) -> list[str]:
        """Ten new codes, which void the old ones; raises `NoSuchFactor` while no factor is on."""
        await self.lock(account_id)
        if not await self.is_enrolled(account_id):
            raise NoSuchFactor
        return await self._new_codes(account_id)

    async def prove(self, account_id: UUID, code: str) -> str | None:
        """`otp` or `recovery` when the code is good, which uses it up; None otherwise."""
        totp = await self._confirmed_totp(account_id)
        step = self._step(totp, code) if totp else None
        if step is not None:
            return "otp" if await self._factors.use_step(account_id, step) else None
        return "recovery" if await self._factors.use_recovery_code(account_id, self._digests(code)) else None

    async def _confirmed_totp(self, account_id: UUID) -> Totp | None:
        totp = await self._factors.totp(account_id)
        return totp if totp is not None and totp.confirmed_at is not None else None

    def _step(self, totp: Totp, code: str) -> int | None:
        secret = self._keyring.unseal(totp.sealed).decode()
        return one_time_codes.matching_step(secret, "".join(code.split()), self._clock().timestamp())

    async def _new_codes(self, account_id: UUID) -> list[str]:
        codes = [readable_code() for _ in range(RECOVERY_CODES)]
        digests = [self._digests(code)[0] for code in codes]
        await self._factors.replace_recovery_codes(account_id, digests, self._keyring.current_id)
        self._outbox.publish(RecoveryCodesMade(account_id=account_id), key=account_id)
        return codes

    def _digests(self, code: str) -> list[bytes]:
        """What may be stored of the code, the newest secret's first."""
        return self._keyring.digests(_PURPOSE, as_typed(code))
