"""Builds the service of accounts."""

from typing import Annotated

from fastapi import Depends

from madang.accounts.password_policy import PasswordPolicy
from madang.accounts.repository import AccountRepository
from madang.accounts.service import AccountService
from madang.backends.breaches.base import Breaches
from madang.db.session import Session
from madang.http.unit import ReadUnit, Unit
from madang.kit.clock import Clock, utc_now
from madang.outbox.publish import Outbox
from madang.settings import Settings


def build_accounts(session: Session, clock: Clock = utc_now) -> AccountService:
    return AccountService(AccountRepository(session), Outbox(session, clock), clock)


def build_password_policy(settings: Settings, breaches: Breaches | None) -> PasswordPolicy:
    return PasswordPolicy(settings.password_min_length, settings.password_composition, breaches)


async def _writing(session: Unit) -> AccountService:
    return build_accounts(session)


async def _reading(session: ReadUnit) -> AccountService:
    return build_accounts(session)


Accounts = Annotated[AccountService, Depends(_writing)]
AccountsReading = Annotated[AccountService, Depends(_reading)]
