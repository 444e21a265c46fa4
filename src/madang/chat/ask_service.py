"""Asking: the question, the pending answer and its run are stored in one unit; then the answer starts."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from madang.backends.llm.upstreams import Upstreams
from madang.chat.errors import (
    AnswerRunning,
    ChatSwitchedOff,
    MessageNotFound,
    NoModelNamed,
    ParentNotFound,
    UnknownModel,
)
from madang.chat.models import ASSISTANT, COMPLETE, PENDING, RUNNING, USER, Conversation, Message, Run
from madang.chat.quota_service import QuotaService, Standing
from madang.chat.repository import ChatRepository
from madang.chat.run_repository import RunRepository
from madang.chat.schemas import Again, NewMessage
from madang.chat.service import found
from madang.db.session import Database, Session, after_commit
from madang.kit.clock import Clock
from madang.kit.idempotency import IdempotencyKeyReused, fingerprint
from madang.kit.ids import new_id

LEASE = timedelta(seconds=15)
_TITLE_LENGTH = 60


class Asker(Protocol):
    """A person, as far as asking goes."""

    @property
    def id(self) -> UUID: ...
    @property
    def role(self) -> str: ...


class Task(NamedTuple):
    """What whoever writes the answer needs to know."""

    run_id: UUID
    question_id: UUID
    model: str
    role: str


class Choice(NamedTuple):
    """A model, and the role by which it may be asked."""

    model: str
    role: str


class Asked(NamedTuple):
    """`standing`: where the person stands in their quota now, if there is one."""

    message: Message
    run: Run
    standing: Standing | None = None


class AskService:
    """Takes the database, not a unit: the list of models may have to be fetched before anything is written."""

    def __init__(self, database: Database, llm: Upstreams | None, start: Callable[[Task], None], clock: Clock) -> None:
        self._database = database
        self._llm = llm
        self._start = start
        self._clock = clock

    async def models(self, role: str) -> list[str]:
        """What people of that role may name, the default first."""
        if self._llm is None:
            raise ChatSwitchedOff
        return await self._llm.models(role)

    async def ask(self, person: Asker, conversation_id: UUID, new: NewMessage, key: str | None) -> Asked:
        """The stored question and its run; the same key and request again give the same ones."""
        account_id, body_hash = person.id, _hash(conversation_id, new)
        async with self._database.read_unit() as session:
            found(await ChatRepository(session).conversation(account_id, conversation_id))
            if former := await _former(session, account_id, key, body_hash):
                return former
        choice = await self._choose(new.model, person.role)
        async with self._database.unit() as session:
            conversation = found(await ChatRepository(session).conversation(account_id, conversation_id, lock=True))
            if former := await _former(session, account_id, key, body_hash):
                return former
            return await self._store(session, conversation, new, choice, (key, body_hash))

    async def ask_again(self, person: Asker, message_id: UUID, again: Again, key: str | None) -> Asked:
        """A new answer to the same question, beside the former ones, and its run. Raises `MessageNotFound`."""
        account_id = person.id
        body_hash = hashlib.sha256(f"again {message_id} {fingerprint(again)}".encode()).hexdigest()
        async with self._database.read_unit() as session:
            if former := await _former(session, account_id, key, body_hash):
                return former
            question, answered_by = await _question_of(session, account_id, message_id)
        choice = await self._choose(again.model or answered_by, person.role)
        async with self._database.unit() as session:
            chat = ChatRepository(session)
            conversation = found(await chat.conversation(account_id, question.conversation_id, lock=True))
            if former := await _former(session, account_id, key, body_hash):
                return former
            await _ensure_quiet(session, conversation.id, question.id)
            answer, run = _answer(conversation, question.id, choice.model, self._clock())
            answer.idempotency_key, answer.body_hash = (key, body_hash) if key else (None, None)
            await chat.add_question(answer)
            conversation.updated_at = self._clock()
            return Asked(answer, run, await self._begin(session, run, question.id, person.role))

    async def _choose(self, wanted: str | None, role: str) -> Choice:
        if self._llm is None:
            raise ChatSwitchedOff
        default = self._llm.default_model(role)
        if default is not None and wanted in {None, default}:
            return Choice(default, role)
        known = await self._llm.models(role)
        if wanted is None and not known:
            raise NoModelNamed
        if wanted is not None and not await self._llm.offers(wanted, role):
            raise UnknownModel(model=wanted, known=", ".join(known))
        return Choice(wanted or known[0], role)

    async def _store(
        self,
        session: Session,
        conversation: Conversation,
        new: NewMessage,
        choice: Choice,
        mark: tuple[str | None, str],
    ) -> Asked:
        now = self._clock()
        parent_id = await _place(session, conversation.id, new)
        question, answer, run = _rows(conversation, new, choice.model, parent_id, now)
        question.idempotency_key, question.body_hash = mark if mark[0] else (None, None)
        chat = ChatRepository(session)
        await chat.add_question(question)
        await chat.add_message(answer)
        conversation.title = conversation.title or _title(new.content)
        conversation.updated_at = now
        return Asked(question, run, await self._begin(session, run, question.id, choice.role))

    async def _begin(self, session: Session, run: Run, question_id: UUID, role: str) -> Standing | None:
        """Reserve what the answer is likely to use, and start it once all is committed. Raises `QuotaExceeded`."""
        letters = await ChatRepository(session).branch_letters(question_id)
        standing = await QuotaService(session, self._clock).reserve_for(run, letters)
        await RunRepository(session).add(run)
        after_commit(session, lambda: self._start(Task(run.id, question_id, run.model, role)))
        return standing


async def _former(session: Session, account_id: UUID, key: str | None, body_hash: str) -> Asked | None:
    """What the same key has stored before; raises `IdempotencyKeyReused` when it was for another request."""
    message = await ChatRepository(session).by_idempotency_key(account_id, key) if key else None
    if message is None or message.run_id is None:
        return None
    if message.body_hash != body_hash:
        raise IdempotencyKeyReused
    run = await RunRepository(session).get(message.run_id)
    return None if run is None else Asked(message, run)


async def _place(session: Session, conversation_id: UUID, new: NewMessage) -> UUID | None:
    """The message that the question follows; raises when there is none such or an answer is being written there."""
    chat = ChatRepository(session)
    if "parent_id" not in new.model_fields_set:
        parent_id = await chat.latest_message_id(conversation_id)
    else:
        parent_id = new.parent_id
        if parent_id is not None and await chat.message(conversation_id, parent_id) is None:
            raise ParentNotFound
    await _ensure_quiet(session, conversation_id, parent_id)
    return parent_id


async def _ensure_quiet(session: Session, conversation_id: UUID, message_id: UUID | None) -> None:
    running = await RunRepository(session).running_at(conversation_id, message_id)
    if running is not None:
        raise AnswerRunning(run_id=running)


async def _question_of(session: Session, account_id: UUID, message_id: UUID) -> tuple[Message, str | None]:
    """The question that a message is or answers, and the model that answered."""
    chat = ChatRepository(session)
    message = await chat.own_message(account_id, message_id)
    question = message
    if message is not None and message.role == ASSISTANT:
        question = await chat.own_message(account_id, message.parent_id) if message.parent_id else None
    if message is None or question is None:
        raise MessageNotFound
    return question, message.model


def _rows(
    conversation: Conversation, new: NewMessage, model: str, parent_id: UUID | None, now: datetime
) -> tuple[Message, Message, Run]:
    ids = {"account_id": conversation.account_id, "conversation_id": conversation.id, "created_at": now}
    question_id = new_id()
    answer, run = _answer(conversation, question_id, model, now)
    question = Message(
        id=question_id, parent_id=parent_id, role=USER, content=new.content, status=COMPLETE, run_id=run.id, **ids
    )
    return question, answer, run


def _answer(conversation: Conversation, question_id: UUID, model: str, now: datetime) -> tuple[Message, Run]:
    ids = {"account_id": conversation.account_id, "conversation_id": conversation.id, "created_at": now}
    run_id, answer_id = new_id(), new_id()
    answer = Message(
        id=answer_id,
        parent_id=question_id,
        role=ASSISTANT,
        content="",
        model=model,
        status=PENDING,
        run_id=run_id,
        **ids,
    )
    return answer, Run(id=run_id, message_id=answer_id, model=model, state=RUNNING, lease_until=now + LEASE, **ids)


def _hash(conversation_id: UUID, new: NewMessage) -> str:
    """A message without `parent_id` follows the latest one, which is another request than `parent_id: null`."""
    placed = "parent_id" in new.model_fields_set
    return hashlib.sha256(f"{conversation_id} {placed} {fingerprint(new)}".encode()).hexdigest()


def _title(question: str) -> str:
    words = " ".join(question[: 4 * _TITLE_LENGTH].split())
    return words if len(words) <= _TITLE_LENGTH else f"{words[: _TITLE_LENGTH - 1].rstrip()}…"
