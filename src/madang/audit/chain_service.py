"""Sealing the trail, and looking whether it is what was sealed."""

from dataclasses import dataclass
from datetime import UTC
from typing import Any

from madang.audit.errors import ChainBroken
from madang.audit.models import AuditChain, AuditEntry
from madang.audit.repository import AuditRepository
from madang.db.session import Database
from madang.kit import chain
from madang.kit.clock import Clock, utc_now
from madang.kit.secrets import Keyring

_PURPOSE = "audit"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """`fault` says what is wrong first, None when nothing is."""

    sealed: int
    waiting: int
    fault: str | None = None


class ChainService:
    def __init__(self, database: Database, keyring: Keyring, clock: Clock = utc_now) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock

    async def seal(self) -> int:
        """Put what is ready at the end of the chain; returns how many entries. One sealer at a time, whatever the
        number of workers. Raises `ChainBroken` rather than build on what was changed."""
        async with self._database.unit() as session:
            entries = AuditRepository(session)
            end = await entries.end(lock=True)
            number, last = await self._trusted(entries, end)
            ready = await entries.unsealed(self._clock(), _BATCH)
            for entry in ready:
                number += 1
                last = chain.link(last, number, _fields(entry))
                entry.number, entry.link = number, last
            if ready or (end and end.key_id != self._keyring.current_id):
                seal = chain.seal(self._keyring.current_key(_PURPOSE), number, last)
                await entries.keep_end(number, last, seal, self._keyring.current_id)
            return len(ready)

    async def verify(self) -> Verdict:
        """Walk the whole chain, in constant memory."""
        async with self._database.read_unit() as session:
            entries = AuditRepository(session)
            waiting, end = await entries.waiting(), await entries.end()
            number, last = 0, chain.GENESIS
            while page := await entries.chain(number, _BATCH):
                for entry in page:
                    if entry.number != number + 1:
                        return Verdict(number, waiting, f"entry {number + 1} is missing")
                    linked = chain.link(last, entry.number, _fields(entry))
                    if linked != entry.link:
                        return Verdict(number, waiting, f"entry {entry.number} ({entry.id}) was changed or put in")
                    number, last = entry.number, linked
                session.expunge_all()
            return Verdict(number, waiting, self._fault_of_end(end, number, last))

    def _fault_of_end(self, end: AuditChain | None, number: int, last: bytes) -> str | None:
        """What was sealed since the walk began is longer, and no fault."""
        if end is None:
            return None if number == 0 else "the seal is missing"
        if not chain.is_sealed(self._keyring.keys(_PURPOSE), end.number, end.last, end.seal):
            return "the seal was changed, or was made under a secret that MADANG_SECRET_KEY no longer lists"
        if number < end.number:
            return f"entries {number + 1} to {end.number} are missing"
        return None if number > end.number or last == end.last else "the whole chain was made anew"

    async def _trusted(self, entries: AuditRepository, end: AuditChain | None) -> tuple[int, bytes]:
        if end is None:
            if await entries.linked(1) is not None:
                raise ChainBroken("the seal is missing")
            return 0, chain.GENESIS
        final = await entries.linked(end.number) if end.number else None
        fault = self._fault_of_end(end, end.number, final.link if final and final.link else chain.GENESIS)
        if fault or (end.number and final is None):
            raise ChainBroken(fault or f"entry {end.number} is missing")
        return end.number, end.last


def _fields(entry: AuditEntry) -> list[Any]:
    """Everything of an entry but its place; what it conceals stays when the person behind it is erased."""
    return [
        entry.id.hex,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.action,
        entry.outcome,
        entry.actor_id.hex if entry.actor_id else None,
        entry.target_type,
        entry.target_id.hex if entry.target_id else None,
        entry.request_id,
        entry.data,
        entry.count,
        entry.concealed.hex() if entry.concealed else None,
    ]
