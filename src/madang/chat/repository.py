"""All SQL of conversations and messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CTE, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from madang.chat.models import Conversation, Message
from madang.db.session import Session, changed_rows
from madang.kit.idempotency import IdempotencyKeyReused


class Shelf(NamedTuple):
    """Which conversations a list shows; None: whatever it is."""

    archived: bool = False
    pinned: bool | None = None


class ChatRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add_conversation(self, conversation: Conversation) -> None:
        self._session.add(conversation)
        await self._session.flush()

    async def conversation(self, account_id: UUID, conversation_id: UUID, *, lock: bool = False) -> Conversation | None:
        """One's own conversation; locked, whatever else is said in it waits for this unit."""
        statement = select(Conversation).where(
            Conversation.id == conversation_id, Conversation.account_id == account_id
        )
        return await self._session.scalar(statement.with_for_update() if lock else statement)

    async def conversations(
        self, account_id: UUID, which: Shelf, after: UUID | None, limit: int
    ) -> Sequence[Conversation]:
        """The newest first, from before `after`."""
        statement = select(Conversation).where(
            Conversation.account_id == account_id, Conversation.archived == which.archived
        )
        if which.pinned is not None:
            statement = statement.where(Conversation.pinned == which.pinned)
        if after is not None:
            statement = statement.where(Conversation.id < after)
        return (await self._session.scalars(statement.order_by(Conversation.id.desc()).limit(limit))).all()

    async def touch(self, conversation_id: UUID, now: datetime) -> None:
        await self._session.execute(
            update(Conversation).where(Conversation.id == conversation_id).values(updated_at=now)
        )

    async def delete_conversation(self, account_id: UUID, conversation_id: UUID) -> bool:
        statement = delete(Conversation).where(
            Conversation.id == conversation_id, Conversation.account_id == account_id
        )
        return changed_rows(await self._session.execute(statement)) == 1

    async def system_prompt(self, message_id: UUID) -> str | None:
        """What the conversation of that message says to the model first."""
        statement = select(Conversation.system_prompt).join(Message, Message.conversation_id == Conversation.id)
        return await self._session.scalar(statement.where(Message.id == message_id))

    async def delete_temporary(self, before: datetime, limit: int) -> int:
        """Delete temporary conversations in which nothing was said since."""
        old = select(Conversation.id).where(Conversation.temporary, Conversation.updated_at < before).limit(limit)
        return changed_rows(await self._session.execute(delete(Conversation).where(Conversation.id.in_(old))))

    async def own_message(self, account_id: UUID, message_id: UUID) -> Message | None:
        return await self._session.scalar(
            select(Message).where(Message.id == message_id, Message.account_id == account_id)
        )

    async def add_question(self, message: Message) -> None:
        """Raises `IdempotencyKeyReused` when the same key came in at once for another conversation."""
        self._session.add(message)
        try:
            await self._session.flush()
        except IntegrityError as error:
            if "idempotency_key" in str(error.orig):
                raise IdempotencyKeyReused from None
            raise

    async def add_message(self, message: Message) -> None:
        self._session.add(message)
        await self._session.flush()

    async def messages(self, conversation_id: UUID, after: UUID | None, limit: int) -> Sequence[Message]:
        """The oldest first, from after `after`."""
        statement = select(Message).where(Message.conversation_id == conversation_id)
        if after is not None:
            statement = statement.where(Message.id > after)
        return (await self._session.scalars(statement.order_by(Message.id).limit(limit))).all()

    async def message(self, conversation_id: UUID, message_id: UUID) -> Message | None:
        return await self._session.scalar(
            select(Message).where(Message.id == message_id, Message.conversation_id == conversation_id)
        )

    async def latest_message_id(self, conversation_id: UUID) -> UUID | None:
        statement = select(Message.id).where(Message.conversation_id == conversation_id)
        return await self._session.scalar(statement.order_by(Message.id.desc()).limit(1))

    async def by_idempotency_key(self, account_id: UUID, key: str) -> Message | None:
        return await self._session.scalar(
            select(Message).where(Message.account_id == account_id, Message.idempotency_key == key)
        )

    async def branch(self, message_id: UUID) -> list[tuple[str, str]]:
        """Role and content from the first turn to that message, along the parents."""
        line = _line(message_id)
        # A parent is older than its child, so ids put the line in order.
        rows = await self._session.execute(select(line.c.role, line.c.content).order_by(line.c.id))
        return [(role, content) for role, content in rows]

    async def branch_letters(self, message_id: UUID) -> int:
        """How many letters the branch to that message holds, its system prompt included."""
        line = _line(message_id)
        said = await self._session.scalar(select(func.sum(func.length(line.c.content))))
        return (said or 0) + len(await self.system_prompt(message_id) or "")

    async def forget_idempotency_keys(self, before: datetime, limit: int) -> int:
        old = select(Message.id).where(Message.idempotency_key.is_not(None), Message.created_at < before).limit(limit)
        statement = update(Message).where(Message.id.in_(old)).values(idempotency_key=None, body_hash=None)
        return changed_rows(await self._session.execute(statement))


def _line(message_id: UUID) -> CTE:
    start = select(Message.id, Message.parent_id, Message.role, Message.content)
    line = start.where(Message.id == message_id).cte("line", recursive=True)
    parent = aliased(Message)
    return line.union_all(
        select(parent.id, parent.parent_id, parent.role, parent.content).join(line, parent.id == line.c.parent_id)
    )
