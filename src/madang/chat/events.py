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


class QuotaSet(Event):
    """How much an account, or a role, may use in a period: hour, day or month. None: without limit."""

    name: ClassVar[str] = "chat.quota_set.v1"
    quota_id: UUID
    account_id: UUID | None
    role: str | None
    period: str
    tokens: int | None
    requests: int | None


class QuotaRemoved(Event):
    name: ClassVar[str] = "chat.quota_removed.v1"
    quota_id: UUID
    account_id: UUID | None
    role: str | None


class ConversationShared(Event):
    """Anybody with the link reads what was said until now; a former link has ended."""

    name: ClassVar[str] = "chat.conversation_shared.v1"
    conversation_id: UUID
    account_id: UUID


class ConversationUnshared(Event):
    name: ClassVar[str] = "chat.conversation_unshared.v1"
    conversation_id: UUID
    account_id: UUID
