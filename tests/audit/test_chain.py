"""The chain: sealed by one at a time, and whoever changes it is found out."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from madang.audit.chain_service import ChainService
from madang.audit.errors import ChainBroken
from madang.audit.repository import AuditRepository
from madang.audit.service import AuditService
from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.kit.refusals import Refusals
from madang.kit.secrets import Keyring

KEYRING = Keyring(["a secret of the installation, long enough"])


@pytest.fixture
def chain(database: Database) -> ChainService:
    return ChainService(database, KEYRING)


async def write(database: Database, count: int, actor_id: UUID | None = None) -> list[UUID]:
    made = [new_id() for _ in range(count)]
    for number, entry_id in enumerate(made):
        entry: dict[str, Any] = {
            "id": entry_id,
            "at": utc_now(),
            "action": "tests.noted",
            "outcome": "success",
            "actor_id": actor_id,
            "target_type": None,
            "target_id": None,
            "request_id": None,
            "data": {"number": number, "text": "한글"},
        }
        async with database.unit() as session:
            await AuditService(session).record(entry, "203.0.113.9", "Agent")
    return made


async def run(database: Database, statement: str, **values: Any) -> None:
    async with database.unit() as session:
        await session.execute(text(statement), values)


async def test_what_was_sealed_is_verified_and_goes_on(database: Database, chain: ChainService) -> None:
    assert await chain.verify() == await chain.verify()
    await write(database, 3)
    assert (await chain.verify()).waiting == 3
    assert await chain.seal() == 3
    await write(database, 2)
    assert await chain.seal() == 2
    assert await chain.seal() == 0
    verdict = await chain.verify()
    assert (verdict.sealed, verdict.waiting, verdict.fault) == (5, 0, None)


async def test_several_sealers_at_once_make_one_chain(database: Database) -> None:
    await write(database, 30)
    sealers = [ChainService(database, KEYRING) for _ in range(4)]
    sealed = await asyncio.gather(*(one.seal() for one in sealers))
    assert sum(sealed) == 30
    assert (await sealers[0].verify()).fault is None


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        ("UPDATE audit_entries SET action = 'tests.other' WHERE number = 3", "entry 3 "),
        ("UPDATE audit_entries SET outcome = 'denied' WHERE number = 5", "entry 5 "),
        ("UPDATE audit_entries SET concealed = NULL WHERE number = 2", "entry 2 "),
        ("DELETE FROM audit_entries WHERE number = 3", "entry 3 is missing"),
        ("DELETE FROM audit_entries WHERE number = 5", "entries 5 to 5 are missing"),
        ("DELETE FROM audit_entries WHERE number > 0", "entries 1 to 5 are missing"),
        ("UPDATE audit_entries SET number = 9 WHERE number = 4", "entry 4 is missing"),
        ("UPDATE audit_chain SET number = 4", "the seal was changed"),
        ("DELETE FROM audit_chain", "the seal is missing"),
    ],
)
async def test_tampering_shows(database: Database, chain: ChainService, tampering: str, fault: str) -> None:
    await write(database, 5)
    await chain.seal()
    await run(database, tampering)
    found = (await chain.verify()).fault
    assert found is not None
    assert fault in found


async def test_a_chain_made_anew_without_the_secret_shows(database: Database, chain: ChainService) -> None:
    """As somebody would who has the database alone: every link is right, the seal is not."""
    await write(database, 4)
    await chain.seal()
    await run(database, "DELETE FROM audit_entries WHERE number = 2")
    await run(database, "UPDATE audit_entries SET number = NULL, link = NULL")
    await run(database, "DELETE FROM audit_chain")
    await ChainService(database, Keyring(["another secret, of the one who tampers"])).seal()
    assert "the seal was changed" in str((await chain.verify()).fault)


@pytest.mark.parametrize(
    "tampering", ["UPDATE audit_chain SET number = 2", "DELETE FROM audit_entries WHERE number = 3"]
)
async def test_nothing_is_sealed_on_top_of_what_was_changed(
    database: Database, chain: ChainService, tampering: str
) -> None:
    await write(database, 3)
    await chain.seal()
    await run(database, tampering)
    await write(database, 1)
    with pytest.raises(ChainBroken):
        await chain.seal()


async def test_a_new_secret_takes_the_seal_over(database: Database, chain: ChainService) -> None:
    await write(database, 2)
    await chain.seal()
    both = Keyring(["the next secret of the installation, too", "a secret of the installation, long enough"])
    assert await ChainService(database, both).seal() == 0
    alone = ChainService(database, Keyring(["the next secret of the installation, too"]))
    assert (await alone.verify()).fault is None
    assert "no longer lists" in str((await chain.verify()).fault)


async def test_what_was_personal_goes_and_the_chain_holds(database: Database, chain: ChainService) -> None:
    await write(database, 3)
    await chain.seal()
    await run(database, "DELETE FROM audit_people")
    assert (await chain.verify()).fault is None


async def test_from_where_strangers_came_is_forgotten_and_the_chain_holds(
    database: Database, chain: ChainService
) -> None:
    await write(database, 3)
    await chain.seal()
    async with database.unit() as session:
        assert await AuditRepository(session).delete_strangers(utc_now() - timedelta(days=90), 10) == 0
        assert await AuditRepository(session).delete_strangers(utc_now() + timedelta(days=1), 2) == 2
        assert await AuditRepository(session).delete_strangers(utc_now() + timedelta(days=1), 2) == 1
    assert (await chain.verify()).fault is None


async def test_an_entry_that_still_counts_is_not_sealed(database: Database, chain: ChainService) -> None:
    refusals = Refusals()
    for _ in range(3):
        refusals.note("access.refused", "insufficient-scope", "/x", None)
    for refusal, counted in refusals.drain().items():
        async with database.unit() as session:
            await AuditService(session).count(refusal, counted)
            await AuditService(session).count(refusal, counted)
    assert await chain.seal() == 0
    assert (await chain.verify()).waiting == 1
    assert refusals.drain() == {}
