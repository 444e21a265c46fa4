"""What the outbox still knows of somebody who is erased: where their facts came from."""

from uuid import UUID

from madang.db.session import Session
from madang.outbox.repository import OutboxRepository


async def forget_origins(session: Session, account_id: UUID) -> None:
    """Address, device and actor of their facts go; facts themselves hold ids alone."""
    await OutboxRepository(session).forget_origins(account_id)
