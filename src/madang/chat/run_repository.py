"""All SQL of runs and of the log that a running answer is stored in."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    Integer,
    Text,
    Uuid,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import aliased

from madang.chat.models import RUNNING, Message, Run, RunPiece
from madang.db.base import Base, UTCDateTime
from madang.db.session import Session, changed_rows

# Only while the run is running, in one statement: a server that has lost its lease can add nothing any more. The
# run is locked against deletion meanwhile, or the foreign key would fail the whole batch. On the table, since the
# ORM takes an insert with several rows for one of its own and looks for mapped columns.
_PIECES = Base.metadata.tables[RunPiece.__tablename__]
_APPEND = insert(_PIECES).from_select(
    ["run_id", "end", "text", "created_at"],
    select(
        Run.id,
        bindparam("piece_end", type_=Integer),
        bindparam("piece_text", type_=Text),
        bindparam("piece_at", type_=UTCDateTime),
    )
    .where(Run.id == bindparam("piece_run", type_=Uuid), Run.state == RUNNING)
    .with_for_update(read=True, key_share=True),
)


class Piece(NamedTuple):
    run_id: UUID
    end: int
    text: str


class Ending(NamedTuple):
    """How a run ended; `error_code` with failed and interrupted runs."""

    state: str
    status: str
    content: str
    error_code: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_delta_at: datetime | None = None


class RunRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, run: Run) -> None:
        self._session.add(run)
        await self._session.flush()

    async def own(self, account_id: UUID, run_id: UUID) -> Run | None:
        return await self._session.scalar(select(Run).where(Run.id == run_id, Run.account_id == account_id))

    async def get(self, run_id: UUID) -> Run | None:
        return await self._session.get(Run, run_id)

    async def running_at(self, conversation_id: UUID, parent_id: UUID | None) -> UUID | None:
        """A run that is writing at this place of the tree: under it, beside it, or at it."""
        answer, question = aliased(Message), aliased(Message)
        place = question.parent_id.is_(None) if parent_id is None else question.parent_id == parent_id
        return await self._session.scalar(
            select(Run.id)
            .join(answer, answer.id == Run.message_id)
            .join(question, question.id == answer.parent_id)
            .where(Run.conversation_id == conversation_id, Run.state == RUNNING)
            .where(or_(place, answer.id == parent_id, question.id == parent_id))
            .limit(1)
        )

    async def content(self, run: Run) -> str:
        return await self._session.scalar(select(Message.content).where(Message.id == run.message_id)) or ""

    async def pieces(self, run_id: UUID, position: int) -> Sequence[RunPiece]:
        """What the log holds beyond a position, in order; the first piece may begin before it."""
        statement = select(RunPiece).where(RunPiece.run_id == run_id, RunPiece.end > position)
        return (await self._session.scalars(statement.order_by(RunPiece.end))).all()

    async def stored_length(self, run_id: UUID) -> int:
        return await self._session.scalar(select(func.max(RunPiece.end)).where(RunPiece.run_id == run_id)) or 0

    async def stored_text(self, run_id: UUID) -> str:
        return "".join(piece.text for piece in await self.pieces(run_id, 0))

    async def append(self, pieces: Iterable[Piece], now: datetime) -> None:
        rows = [
            {"piece_run": run_id, "piece_end": end, "piece_text": text, "piece_at": now} for run_id, end, text in pieces
        ]
        await self._session.execute(_APPEND, rows)

    async def extend(self, run_ids: Sequence[UUID], until: datetime) -> set[UUID]:
        """Renew the leases; returns the runs that are still running, so that the others can be given up."""
        held = await self._session.scalars(
            update(Run).where(Run.id.in_(run_ids), Run.state == RUNNING).values(lease_until=until).returning(Run.id)
        )
        return set(held.all())

    async def cancel_requested(self, run_ids: Sequence[UUID]) -> Sequence[UUID]:
        statement = select(Run.id).where(Run.id.in_(run_ids), Run.cancel_requested_at.is_not(None))
        return (await self._session.scalars(statement)).all()

    async def request_cancel(self, run_id: UUID, now: datetime) -> bool:
        statement = update(Run).where(Run.id == run_id, Run.state == RUNNING).values(cancel_requested_at=now)
        return changed_rows(await self._session.execute(statement)) == 1

    async def finish(self, run_id: UUID, ending: Ending, now: datetime) -> Run | None:
        """End a running run and complete its message; None when it had ended already."""
        run = await self._session.scalar(
            update(Run)
            .where(Run.id == run_id, Run.state == RUNNING)
            .values(
                state=ending.state,
                error_code=ending.error_code,
                prompt_tokens=ending.prompt_tokens,
                completion_tokens=ending.completion_tokens,
                first_delta_at=ending.first_delta_at,
                finished_at=now,
            )
            .returning(Run)
        )
        if run is not None:
            await self._complete(run.message_id, ending)
        return run

    async def _complete(self, message_id: UUID, ending: Ending) -> None:
        await self._session.execute(
            update(Message)
            .where(Message.id == message_id)
            .values(
                content=ending.content,
                status=ending.status,
                prompt_tokens=ending.prompt_tokens,
                completion_tokens=ending.completion_tokens,
            )
        )

    async def abandoned(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Runs whose lease is over; of several reapers each takes others."""
        statement = select(Run.id).where(Run.state == RUNNING, Run.lease_until < now).order_by(Run.lease_until)
        return (await self._session.scalars(statement.limit(limit).with_for_update(skip_locked=True))).all()

    async def running_of(self, conversation_id: UUID) -> Sequence[UUID]:
        statement = select(Run.id).where(Run.conversation_id == conversation_id, Run.state == RUNNING)
        return (await self._session.scalars(statement)).all()

    async def delete_pieces(self, before: datetime, limit: int) -> int:
        """Delete log pieces of finished runs; their text is on the message."""
        old = (
            select(RunPiece.run_id, RunPiece.end)
            .join(Run, Run.id == RunPiece.run_id)
            .where(RunPiece.created_at < before, Run.state != RUNNING)
            .limit(limit)
        )
        statement = delete(RunPiece).where(tuple_(RunPiece.run_id, RunPiece.end).in_(old))
        return changed_rows(await self._session.execute(statement))
