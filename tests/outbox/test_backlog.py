"""What waits costs nothing extra: a claim looks at its batch, not at the whole backlog."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.outbox.events import HousekeepingDue
from madang.outbox.publish import Outbox
from madang.outbox.repository import OutboxRepository

WAITING = 2000
BATCH = 50


async def test_a_claim_amid_a_backlog_that_no_statistics_know_reads_little_more_than_its_batch(
    database: Database,
) -> None:
    """Blocks are counted, not time: comparing each event with every other reads some 100,000."""
    if not database.is_postgresql:
        pytest.skip("about PostgreSQL's planner")
    async with database.unit() as session:
        for _ in range(WAITING):
            Outbox(session).publish(HousekeepingDue(), key=new_id())
    statement, parameters = await _claim(database)
    async with database.unit() as session:
        raw = await (await session.connection()).get_raw_connection()
        connection: Any = raw.driver_connection
        explained = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *parameters)
    plan = explained[0]["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 50 * BATCH


async def _claim(database: Database) -> tuple[str, tuple[Any, ...]]:
    """Claim once; the statement as it was sent."""
    sent: list[tuple[str, tuple[Any, ...]]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: tuple[Any, ...], *_: object) -> None:
        sent.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    async with database.unit() as session:
        claimed = await OutboxRepository(session).claim(utc_now(), utc_now() + timedelta(minutes=1), BATCH)
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    assert len(claimed) == BATCH
    return sent[-1]
