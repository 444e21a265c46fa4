"""Builds the service of accounts."""

from typing import Annotated

from fastapi import Depends

from madang.accounts.password_policy import PasswordPolicy
from madang.accounts.preference_service import PreferenceService
from madang.accounts.repository import AccountRepository
from madang.accounts.role_service import RoleService
from madang.accounts.service import AccountService
from madang.backends.breaches.base import Breaches
from madang.db.session import Session
from madang.http.state import App
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


async def _preferring(session: Unit) -> PreferenceService:
    return PreferenceService(session)


async def _preferring_reading(session: ReadUnit) -> PreferenceService:
    return PreferenceService(session)


async def _roles(session: Unit, app: App) -> RoleService:
    return RoleService(session, app.clock)


async def _roles_reading(session: ReadUnit, app: App) -> RoleService:
    return RoleService(session, app.clock)


Roles = Annotated[RoleService, Depends(_roles)]
RolesReading = Annotated[RoleService, Depends(_roles_reading)]
Accounts = Annotated[AccountService, Depends(_writing)]
AccountsReading = Annotated[AccountService, Depends(_reading)]
Preferring = Annotated[PreferenceService, Depends(_preferring)]
PreferringReading = Annotated[PreferenceService, Depends(_preferring_reading)]
