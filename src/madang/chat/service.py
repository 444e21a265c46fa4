"""The rules of conversations and runs, apart from asking."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from uuid import UUID

from madang.chat.errors import ConversationNotFound, RunNotFound
from madang.chat.events import ConversationDeleted
from madang.chat.models import Conversation, Message, Run
from madang.chat.repository import ChatRepository, Shelf
from madang.chat.run_repository import RunRepository
from madang.chat.schemas import AskedView, ConversationPatch, MessageView, NewConversation, RunView
from madang.db.session import Session, after_commit
from madang.kit.clock import Clock
from madang.kit.problems import catalogue
from madang.outbox.publish import Outbox

Stop = Callable[[UUID], Awaitable[None]]


class ChatService:
    """One unit of work; `stop` tells whichever server is writing a run to stop, once the unit has committed."""

    def __init__(self, session: Session, stop: Stop, clock: Clock) -> None:
        self._session = session
        self._chat = ChatRepository(session)
        self._runs = RunRepository(session)
        self._outbox = Outbox(session, clock)
        self._stop = stop
        self._clock = clock

    async def begin(self, account_id: UUID, new: NewConversation) -> Conversation:
        now = self._clock()
        conversation = Conversation(account_id=account_id, created_at=now, updated_at=now, **new.model_dump())
        await self._chat.add_conversation(conversation)
        return conversation

    async def conversations(
        self, account_id: UUID, after: UUID | None, limit: int, *, archived: bool = False, pinned: bool | None = None
    ) -> Sequence[Conversation]:
        return await self._chat.conversations(account_id, Shelf(archived, pinned), after, limit)

    async def conversation(self, account_id: UUID, conversation_id: UUID) -> Conversation:
        return found(await self._chat.conversation(account_id, conversation_id))

    async def change(self, account_id: UUID, conversation_id: UUID, patch: ConversationPatch) -> Conversation:
        conversation = found(await self._chat.conversation(account_id, conversation_id, lock=True))
        for name, value in patch.model_dump(exclude_unset=True).items():
            setattr(conversation, name, value)
        conversation.updated_at = self._clock()
        return conversation

    async def delete(self, account_id: UUID, conversation_id: UUID) -> None:
        """Everything said in it goes at once; what is still being written is stopped."""
        found(await self._chat.conversation(account_id, conversation_id, lock=True))
        for run_id in await self._runs.running_of(conversation_id):
            self._stop_after_commit(run_id)
        await self._chat.delete_conversation(account_id, conversation_id)
        fact = ConversationDeleted(conversation_id=conversation_id, account_id=account_id)
        self._outbox.publish(fact, key=conversation_id)

    async def messages(
        self, account_id: UUID, conversation_id: UUID, after: UUID | None, limit: int
    ) -> Sequence[Message]:
        found(await self._chat.conversation(account_id, conversation_id))
        return await self._chat.messages(conversation_id, after, limit)

    async def run(self, account_id: UUID, run_id: UUID) -> Run:
        run = await self._runs.own(account_id, run_id)
        if run is None:
            raise RunNotFound
        return run

    async def cancel(self, account_id: UUID, run_id: UUID) -> Run:
        """Ask for the end of a run; one that has ended already stays as it is."""
        run = await self.run(account_id, run_id)
        if await self._runs.request_cancel(run_id, self._clock()):
            self._stop_after_commit(run_id)
        return run

    def _stop_after_commit(self, run_id: UUID) -> None:
        after_commit(self._session, lambda: self._stop(run_id))


def found(conversation: Conversation | None) -> Conversation:
    if conversation is None:
        raise ConversationNotFound
    return conversation


def run_view(run: Run, language: str) -> RunView:
    """The run as its owner reads it; the reason of a failure is told in their language."""
    values = {name: getattr(run, name) for name in ("id", "conversation_id", "message_id", "state", "usage")}
    times = {"started_at": run.created_at, "first_delta_at": run.first_delta_at, "finished_at": run.finished_at}
    reason = {"code": run.error_code, "detail": _reason(run.error_code, language)} if run.error_code else None
    return RunView.model_validate({**values, "error": reason, "timing": times})


def asked_view(message: Message, run: Run, language: str) -> AskedView:
    return AskedView(message=MessageView.model_validate(message), run=run_view(run, language))


@cache
def _reason(code: str, language: str) -> str:
    return next((kind.detail.render(language, {}) for kind in catalogue() if kind.code == code), code)
