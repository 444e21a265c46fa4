"""Budgets of failed sign-ins, per account and per address, counted in the database so that every server counts alike.

A try takes its share before the password is looked at and gets it back when the password was right, so parallel
guesses find no more than the budget (the generic cell rate algorithm of ITU-T I.371: the share comes back with time,
one at a time, rather than all at the end of a window). Whoever guesses from elsewhere can't keep the owner out: an
address from which the account has signed in before has a budget of its own.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from madang.db.session import Session
from madang.kit.clock import Clock
from madang.kit.ids import new_id
from madang.kit.origin import current_origin
from madang.sessions.budget_repository import BudgetRepository
from madang.sessions.errors import TooManySignIns

MILLISECONDS = 1000
_FACTOR_TRIES, _FACTOR_SECONDS = 10, 15 * 60
LETTERS_AN_HOUR = 10
LETTER_STEP = timedelta(hours=1) / LETTERS_AN_HOUR


@dataclass(frozen=True, slots=True)
class Budget:
    """So many tries in so many seconds."""

    name: str
    amount: int
    window: int

    @property
    def step(self) -> int:
        """What one try uses, in milliseconds."""
        return self.window * MILLISECONDS // self.amount


@dataclass(frozen=True, slots=True)
class Taken:
    """What a try has taken, to be given back."""

    account_key: str
    address_key: str


class BudgetService:
    """Without budgets (limits switched off) nothing is counted."""

    def __init__(self, account: Budget | None, address: Budget | None, address_of: str, clock: Clock) -> None:
        """`address_of`: the client's address as limits count it (IPv6 by /64)."""
        self._account = account
        self._address = address
        self._client = address_of
        self._clock = clock

    async def take(self, session: Session, name: str, account_id: UUID | None) -> Taken:
        """Take a try for a name as it was typed; raises `TooManySignIns`, and then nothing was taken."""
        budgets = BudgetRepository(session)
        known = await budgets.has_come_from(account_id or new_id(), current_origin().ip or "")
        taken = Taken(
            _key("account", name.casefold(), self._client if known else ""),
            _key("address", self._client),
        )
        await self._take(budgets, taken.address_key, self._address)
        await self._take(budgets, taken.account_key, self._account)
        return taken

    async def give_back(self, session: Session, taken: Taken) -> None:
        """After a right password: the account's budget is whole again, the address gets this one try back.

        Rows are locked in the order in which `take` locks them, so that sign-ins at once never wait in a ring.
        """
        budgets = BudgetRepository(session)
        if self._address is not None:
            await budgets.give_back(taken.address_key, self._address.step)
        if self._account is not None:
            await budgets.reset([taken.account_key])

    async def take_address(self, session: Session) -> Taken:
        """Take a try of the address alone, for a proof that names no account until it is found right."""
        taken = Taken("", _key("address", self._client))
        await self._take(BudgetRepository(session), taken.address_key, self._address)
        return taken

    async def give_address_back(self, session: Session, taken: Taken) -> None:
        if self._address is not None:
            await BudgetRepository(session).give_back(taken.address_key, self._address.step)

    async def forget(self, session: Session, names: Iterable[str]) -> None:
        """Make the budgets of an account's names whole, so that no guesser keeps out whoever reset the password."""
        keys = [_key("account", name.casefold(), client) for name in names for client in ("", self._client)]
        await BudgetRepository(session).reset(sorted(keys))

    async def take_factor(self, session: Session, account_id: UUID) -> None:
        """Take a try at the second factor, one budget for all challenges and kinds of codes; there is no switch for it,
        since six digits are guessed in a million tries. Raises `TooManySignIns`."""
        budget = Budget("second_factor", _FACTOR_TRIES, _FACTOR_SECONDS)
        await self._take(BudgetRepository(session), _key("second factor", str(account_id)), budget)

    async def give_factor_back(self, session: Session, account_id: UUID) -> None:
        await BudgetRepository(session).reset([_key("second factor", str(account_id))])

    async def _take(self, budgets: BudgetRepository, key: str, budget: Budget | None) -> None:
        if budget is None:
            return
        now, window = round(self._clock().timestamp() * MILLISECONDS), budget.window * MILLISECONDS
        if await budgets.take(key, now, budget.step, window):
            return
        wait = await budgets.full_at(key) + budget.step - window - now
        seconds = max(1, -(-wait // MILLISECONDS))
        values = {"name": budget.name, "amount": budget.amount, "window": budget.window}
        raise TooManySignIns(retry_after=seconds, seconds=seconds, **values)


async def may_mail(session: Session, email: str, now: datetime) -> bool:
    """Whether an address may get one more letter that somebody asks for; there is no switch, since it is their post."""
    step = round(LETTER_STEP.total_seconds()) * MILLISECONDS
    at = round(now.timestamp() * MILLISECONDS)
    return await BudgetRepository(session).take(_key("mail", email.casefold()), at, step, LETTERS_AN_HOUR * step)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
