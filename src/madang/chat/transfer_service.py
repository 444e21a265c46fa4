"""Conversations out of the house and into it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from madang.chat.models import ASSISTANT, INTERRUPTED, PENDING, Conversation, Message
from madang.chat.repository import ChatRepository
from madang.chat.service import found
from madang.chat.transfer_schemas import (
    ConversationFile,
    FiledConversation,
    FiledMessage,
    ImportedFile,
    ImportView,
    Skipped,
    from_chatgpt,
)
from madang.db.session import Database
from madang.kit.ids import new_id

_PAGE = 500


class TransferService:
    """Takes the database, not a unit: a conversation is a unit of its own, so one that can't be taken keeps out no
    other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def json(self, account_id: UUID, conversation_id: UUID) -> tuple[str | None, bytes]:
        """The title, and the whole tree."""
        conversation, messages = await self._read(account_id, conversation_id)
        filed = [_filed(message) for message in messages]
        fields = ("title", "system_prompt", "pinned", "archived", "created_at", "updated_at")
        told = {name: getattr(conversation, name) for name in fields}
        file = ConversationFile(conversations=[FiledConversation(**told, messages=filed)])
        return conversation.title, file.model_dump_json(indent=2).encode()

    async def markdown(self, account_id: UUID, conversation_id: UUID) -> tuple[str | None, bytes]:
        """The title, and the branch that ends with the latest message."""
        conversation, messages = await self._read(account_id, conversation_id)
        parts = [f"# {_one_line(conversation.title or 'Conversation')}"]
        for message in _branch(messages):
            who = _one_line(message.model or "Assistant") if message.role == ASSISTANT else message.role.capitalize()
            parts.append(f"## {who}, {message.created_at:%Y-%m-%d %H:%M} UTC\n\n{message.content}")
        return conversation.title, ("\n\n".join(parts) + "\n").encode()

    async def take_in(self, account_id: UUID, file: ImportedFile) -> ImportView:
        """Each conversation as a new one; those that can't be read are named with the reason."""
        conversations, messages, skipped = 0, 0, []
        for index, given in enumerate(file.conversations):
            try:
                filed = FiledConversation.model_validate(from_chatgpt(given) if "mapping" in given else given)
            except ValidationError as error:
                skipped.append(Skipped(index=index, reason=_reason(error)))
            except (LookupError, TypeError, ValueError, AttributeError, OverflowError, OSError):
                skipped.append(Skipped(index=index, reason="not a conversation of ChatGPT's export"))
            else:
                await self._store(account_id, filed)
                conversations, messages = conversations + 1, messages + len(filed.messages)
        return ImportView(conversations=conversations, messages=messages, skipped=skipped)

    async def _read(self, account_id: UUID, conversation_id: UUID) -> tuple[Conversation, Sequence[Message]]:
        async with self._database.read_unit() as session:
            chat, messages = ChatRepository(session), list[Message]()
            conversation = found(await chat.conversation(account_id, conversation_id))
            while page := await chat.messages(conversation_id, messages[-1].id if messages else None, _PAGE):
                messages += page
            return conversation, messages

    async def _store(self, account_id: UUID, filed: FiledConversation) -> None:
        async with self._database.unit() as session:
            chat = ChatRepository(session)
            conversation = Conversation(account_id=account_id, **filed.model_dump(exclude={"messages"}))
            await chat.add_conversation(conversation)
            # A parent is older than its child, and ids of ours grow: so they are given in the order of the file.
            ids = {message.id: new_id() for message in filed.messages}
            for message in filed.messages:
                values: dict[str, Any] = message.model_dump(exclude={"id", "parent_id", "usage"})
                values |= message.usage.model_dump() if message.usage else {}
                parent_id = ids[message.parent_id] if message.parent_id else None
                owned = {"account_id": account_id, "conversation_id": conversation.id}
                session.add(Message(id=ids[message.id], parent_id=parent_id, **owned, **values))


def _filed(message: Message) -> FiledMessage:
    names = ("role", "content", "model", "usage", "created_at")
    status = INTERRUPTED if message.status == PENDING else message.status
    values = {name: getattr(message, name) for name in names}
    parent_id = str(message.parent_id) if message.parent_id else None
    return FiledMessage.model_validate({**values, "id": str(message.id), "parent_id": parent_id, "status": status})


def _branch(messages: Sequence[Message]) -> list[Message]:
    """From the first turn to the latest message."""
    by_id, line = {message.id: message for message in messages}, list[Message]()
    message = messages[-1] if messages else None
    while message is not None:
        line.append(message)
        message = by_id.get(message.parent_id) if message.parent_id else None
    return line[::-1]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")[:300]
