"""What a unit's writes make out of date: tags that are gathered as rows are written and told after the commit.

A model whose rows are read through the cache says by `touched_tags` which tags a row of it belongs to. Statements that
change such rows past the session can't be seen through, so they must say for themselves: by the execution option
`touches`, which may be empty.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

_TOUCHED = "touched"


class ObservedSession(Session):
    """Gathers what its writes touch."""


def touch(session: AsyncSession, *tags: str) -> None:
    """Answers kept under these tags are out of date once the session's unit has committed."""
    session.info.setdefault(_TOUCHED, set()).update(tags)


def take_touched(session: AsyncSession) -> frozenset[str]:
    """What the unit touched, once."""
    return frozenset(session.info.pop(_TOUCHED, ()))


@event.listens_for(ObservedSession, "after_flush")
def _gather(session: Session, _context: UOWTransaction) -> None:
    for row in (*session.new, *session.dirty, *session.deleted):
        if hasattr(row, "touched_tags"):
            session.info.setdefault(_TOUCHED, set()).update(row.touched_tags())


@event.listens_for(ObservedSession, "do_orm_execute")
def _gather_said(state: ORMExecuteState) -> None:
    if not (state.is_update or state.is_delete):
        return
    mapper: Any = state.bind_mapper
    if mapper is not None and hasattr(mapper.class_, "touched_tags"):
        state.session.info.setdefault(_TOUCHED, set()).update(state.execution_options["touches"])
