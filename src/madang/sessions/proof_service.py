"""Mailed proofs: asking for one, and finding the one that a code or a link's token belongs to."""

import hmac
from datetime import timedelta
from uuid import UUID

from madang.accounts.models import Account
from madang.accounts.service import AccountService
from madang.db.session import Session
from madang.kit import mail_codes
from madang.kit.clock import Clock
from madang.kit.ids import new_id
from madang.kit.mail_codes import MailCode
from madang.kit.secrets import Keyring
from madang.outbox.publish import Outbox
from madang.sessions.errors import WrongMailCode
from madang.sessions.events import MailProofRequested
from madang.sessions.models import MailProof
from madang.sessions.proof_repository import ProofRepository

VERIFY, RESET, INVITE = "verify", "reset", "invite"
CODE_TTL = timedelta(minutes=10)
LINK_TTL = {VERIFY: timedelta(hours=1), RESET: timedelta(hours=1), INVITE: timedelta(days=7)}


class ProofService:
    """Works inside the caller's unit."""

    def __init__(self, session: Session, accounts: AccountService, keyring: Keyring, clock: Clock) -> None:
        self._proofs = ProofRepository(session)
        self._accounts = accounts
        self._outbox = Outbox(session, clock)
        self._keyring = keyring
        self._clock = clock

    async def request(self, purpose: str, email: str, account: Account | None) -> None:
        """Have a code mailed, which voids the one before it; for a reset the account shows when the mail is written."""
        proof_id, key_id = new_id(), self._keyring.current_id
        code = MailCode.of(self._keyring, key_id, proof_id)
        assert code is not None, "the current secret is always known"  # noqa: S101 - narrows the type
        await self._proofs.replace(
            MailProof(
                id=proof_id,
                purpose=purpose,
                account_id=account.id if account else None,
                email=email,
                email_key=email.casefold(),
                key_id=key_id,
                code_digest=mail_codes.digests_of(self._keyring, code.code)[0],
                created_at=self._clock(),
            )
        )
        self._outbox.publish(MailProofRequested(proof_id=proof_id), key=account.id if account else proof_id)

    async def is_invited(self, account_id: UUID) -> bool:
        """Whether somebody was invited and has not come yet."""
        return await self._proofs.is_pending(account_id, INVITE)

    async def redeemable(self, given: str, *purposes: str) -> tuple[MailProof, Account]:
        """The unused proof that a code of ten minutes or a link's token belongs to, and its account, locked.

        Raises `WrongMailCode`, also when the account is disabled or the address is no longer the one to be reset.
        """
        proof = await self._find(purposes, given)
        account = await self._accounts.locked(proof.account_id) if proof and proof.account_id else None
        if proof is None or account is None or not account.is_active:
            raise WrongMailCode
        if proof.purpose == RESET and account.email_key != proof.email_key:
            raise WrongMailCode
        return proof, account

    async def use(self, proof: MailProof, former_email: str | None = None) -> None:
        """Use it up; of two at once one succeeds, the other gets `WrongMailCode`."""
        if not await self._proofs.use(proof.id, self._clock(), former_email):
            raise WrongMailCode

    async def void_resets(self, account_id: UUID) -> None:
        """A change of the password or the address ends what was mailed to reset the one before."""
        for purpose in (RESET, INVITE):
            await self._proofs.void(account_id, purpose)

    async def _find(self, purposes: tuple[str, ...], given: str) -> MailProof | None:
        named = mail_codes.proof_of(given)
        if named is None:
            digests = mail_codes.digests_of(self._keyring, given)
            return await self._proofs.by_code(purposes, digests, self._clock() - CODE_TTL)
        return await self._by_token(purposes, named, given)

    async def _by_token(self, purposes: tuple[str, ...], named: UUID, token: str) -> MailProof | None:
        proof = await self._proofs.get(named)
        if proof is None or proof.purpose not in purposes or proof.used_at:
            return None
        if proof.created_at <= self._clock() - LINK_TTL[proof.purpose]:
            return None
        code = MailCode.of(self._keyring, proof.key_id, proof.id)
        return proof if code and hmac.compare_digest(code.token.encode(), token.encode()) else None
