"""SQL of shared conversations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from madang.accounts.models import Account
from madang.chat.models import PENDING, Conversation, Message, Share
from madang.db.session import Session, changed_rows


class ShareRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def put(self, share: Share) -> None:
        """In place of a former link, which ends; the conversation is locked by whoever calls."""
        await self.remove(share.conversation_id)
        self._session.add(share)
        await self._session.flush()

    async def of(self, account_id: UUID, conversation_id: UUID) -> Share | None:
        own = Share.conversation_id == conversation_id, Share.account_id == account_id
        return await self._session.scalar(select(Share).where(*own))

    async def remove(self, conversation_id: UUID) -> bool:
        statement = delete(Share).where(Share.conversation_id == conversation_id)
        return changed_rows(await self._session.execute(statement)) == 1

    async def opened(self, digest: bytes) -> tuple[Share, str | None] | None:
        """The share that a link opens, and the title, while its owner's account is open."""
        statement = (
            select(Share, Conversation.title)
            .join(Conversation, Conversation.id == Share.conversation_id)
            .join(Account, Account.id == Share.account_id)
            .where(Share.digest == digest, Account.is_active)
        )
        row: Any = (await self._session.execute(statement)).one_or_none()
        return (row[0], row[1]) if row else None

    async def messages(
        self, conversation_id: UUID, until: datetime, after: UUID | None, limit: int
    ) -> Sequence[Message]:
        """What was said and whole by then, the oldest first."""
        statement = select(Message).where(
            Message.conversation_id == conversation_id, Message.created_at <= until, Message.status != PENDING
        )
        if after is not None:
            statement = statement.where(Message.id > after)
        return (await self._session.scalars(statement.order_by(Message.id).limit(limit))).all()
