"""SQL of the mailed proofs."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update

from madang.db.session import Session, changed_rows
from madang.sessions.models import MailProof


class ProofRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def replace(self, proof: MailProof) -> None:
        """Add it, and drop what was asked for before it: of one purpose only the newest letter works."""
        same = MailProof.account_id == proof.account_id if proof.account_id else MailProof.email_key == proof.email_key
        await self._session.execute(
            delete(MailProof).where(MailProof.purpose == proof.purpose, MailProof.used_at.is_(None), same)
        )
        self._session.add(proof)
        await self._session.flush()

    async def get(self, proof_id: UUID) -> MailProof | None:
        return await self._session.get(MailProof, proof_id)

    async def is_pending(self, account_id: UUID, purpose: str) -> bool:
        waiting = select(MailProof.id).where(MailProof.account_id == account_id, MailProof.purpose == purpose)
        return bool(await self._session.scalar(select(waiting.where(MailProof.used_at.is_(None)).exists())))

    async def by_code(self, purposes: Sequence[str], digests: Sequence[bytes], after: datetime) -> MailProof | None:
        """The unused proof of a typed code that is young enough."""
        return await self._session.scalar(
            select(MailProof)
            .where(MailProof.code_digest.in_(digests), MailProof.purpose.in_(purposes))
            .where(MailProof.used_at.is_(None), MailProof.created_at > after)
        )

    async def use(self, proof_id: UUID, now: datetime, former_email: str | None) -> bool:
        """Use it up; of two at once one succeeds."""
        statement = (
            update(MailProof)
            .where(MailProof.id == proof_id, MailProof.used_at.is_(None))
            .values(used_at=now, former_email=former_email)
            .returning(MailProof.id)
        )
        return bool((await self._session.execute(statement)).all())

    async def void(self, account_id: UUID, purpose: str) -> None:
        """Let nothing that was mailed for this purpose work any more."""
        await self._session.execute(
            delete(MailProof).where(
                MailProof.account_id == account_id, MailProof.purpose == purpose, MailProof.used_at.is_(None)
            )
        )

    async def drop(self, proof_id: UUID) -> None:
        await self._session.execute(delete(MailProof).where(MailProof.id == proof_id))

    async def delete_old(self, purposes: Sequence[str], before: datetime, limit: int) -> int:
        old = select(MailProof.id).where(MailProof.created_at < before, MailProof.purpose.in_(purposes)).limit(limit)
        return changed_rows(await self._session.execute(delete(MailProof).where(MailProof.id.in_(old))))
