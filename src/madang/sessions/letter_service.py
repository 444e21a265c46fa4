"""Writes and sends the letters: codes that were asked for, and notices of what happened to an account."""

from collections.abc import Mapping
from uuid import UUID

import structlog

from madang.accounts.models import Account
from madang.backends.mail.base import Mail, MailRefused
from madang.db.session import Database
from madang.kit.clock import Clock
from madang.kit.ids import new_id
from madang.kit.letters import Letter, Letterhead, compose
from madang.kit.mail_codes import MailCode
from madang.kit.origin import current_origin
from madang.kit.secrets import Keyring
from madang.kit.urls import RESET_PAGE, VERIFY_PAGE
from madang.outbox.publish import Outbox
from madang.sessions.events import NoticeDue
from madang.sessions.letters import NOTICES, PROOFS
from madang.sessions.models import MailProof
from madang.sessions.proof_repository import ProofRepository
from madang.sessions.proof_service import INVITE, LINK_TTL, RESET, VERIFY
from madang.sessions.sign_in_service import BuildAccounts

_PAGES = {VERIFY: VERIFY_PAGE, RESET: RESET_PAGE, INVITE: RESET_PAGE}
_UNKNOWN = {"ko": "알 수 없음", "en": "unknown"}
log = structlog.get_logger("madang.sessions")


class LetterService:
    """Runs in the worker. A letter may go out twice when a process dies between sending and noting it, never not."""

    def __init__(
        self,
        database: Database,
        build_accounts: BuildAccounts,
        mail: Mail,
        head: Letterhead,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._database = database
        self._build_accounts = build_accounts
        self._mail = mail
        self._head = head
        self._keyring = keyring
        self._clock = clock

    async def send_proof(self, proof_id: UUID) -> None:
        """Mail the code and the link of a proof, if there is somebody they are for."""
        found = await self._addressee(proof_id)
        if found is None:
            return
        proof, account = found
        code = MailCode.of(self._keyring, proof.key_id, proof.id)
        if code is None or proof.used_at or proof.created_at <= self._clock() - LINK_TTL[proof.purpose]:
            log.warning("a code was too old to be mailed", proof=str(proof_id))
            return
        values = {
            "account_id": account.account_id,
            "email": proof.email,
            "code": code.code,
            "link": f"{self._head.site}{_PAGES[proof.purpose]}#code={code.token}",
        }
        await self._send(PROOFS[proof.purpose], proof.email, account, values, f"{proof.purpose}.{proof.id}")

    async def send_notice(self, due: NoticeDue, values: Mapping[str, str], reference: UUID) -> None:
        """Tell an account's owner, at the address that is proven, or at the former one when it was replaced."""
        async with self._database.read_unit() as session:
            account = await self._build_accounts(session).get(due.account_id)
            proof = await ProofRepository(session).get(due.proof_id) if due.proof_id else None
        to = account and (account.email if due.proof_id is None else proof and proof.former_email)
        if account is None or not to:
            return
        origin, language = current_origin(), _language(account)
        unknown = _UNKNOWN[language]
        where = {"ip": origin.ip or unknown, "user_agent": origin.user_agent or unknown}
        known = {"account_id": account.account_id, **where, **values}
        await self._send(NOTICES[due.notice], to, account, known, f"notice.{reference}")

    async def _addressee(self, proof_id: UUID) -> tuple[MailProof, Account] | None:
        """Whose letter it is; one that is nobody's, or whose address is somebody else's, is dropped unsent."""
        async with self._database.unit() as session:
            proofs, accounts = ProofRepository(session), self._build_accounts(session)
            proof = await proofs.get(proof_id)
            if proof is None:
                return None
            owner = await accounts.by_email(proof.email)
            account = await accounts.get(proof.account_id) if proof.account_id else owner
            if account is None or not account.is_active:
                await proofs.drop(proof_id)
                return None
            if proof.purpose != RESET and owner is not None and owner.id != account.id:
                await proofs.drop(proof_id)
                notice = NoticeDue(notice="address_in_use", account_id=owner.id)
                Outbox(session, self._clock).publish(notice, key=new_id())
                return None
            proof.account_id = account.id
            return proof, account

    async def _send(self, letter: Letter, to: str, account: Account, values: Mapping[str, str], reference: str) -> None:
        try:
            await self._mail.send(compose(letter, self._head, to, _language(account), values, reference))
        except MailRefused as error:
            log.warning("the mail server refuses a letter for good", letter=reference, reason=str(error))


def _language(account: Account) -> str:
    """The account's, else the one in which it was asked for."""
    return account.language or current_origin().language or "en"
