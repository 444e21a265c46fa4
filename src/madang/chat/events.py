"""Facts of chat."""

from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class AnswerFinished(Event):
    """`state`: succeeded, failed, cancelled or interrupted."""

    name: ClassVar[str] = "chat.answer_finished.v1"
    run_id: UUID
    conversation_id: UUID
    account_id: UUID
    state: str


class ConversationDeleted(Event):
    name: ClassVar[str] = "chat.conversation_deleted.v1"
    conversation_id: UUID
    account_id: UUID
