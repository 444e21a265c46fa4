"""Builds the services of administration."""

from typing import Annotated

from fastapi import Depends

from madang.accounts.deps import build_accounts
from madang.accounts.role_service import RoleService
from madang.admin.impersonation_service import ImpersonationService
from madang.admin.reading_service import ReadingService
from madang.admin.user_service import UserService
from madang.db.session import Session
from madang.factors.service import FactorService
from madang.http.state import App, Running
from madang.http.unit import Unit
from madang.sessions.closing_service import ClosingService
from madang.sessions.deps import Opening
from madang.sessions.proof_service import ProofService
from madang.sessions.service import SessionService


def _build_users(app: Running, session: Session) -> UserService:
    accounts = build_accounts(session, app.clock)
    return UserService(
        accounts,
        RoleService(session, app.clock),
        ClosingService(session, accounts, app.clock),
        SessionService(session, app.keyring, app.clock),
        ProofService(session, accounts, app.keyring, app.clock),
        FactorService(session, app.keyring, app.clock),
    )


async def _users(app: App, session: Unit) -> UserService:
    return _build_users(app, session)


async def _users_reading(app: App) -> ReadingService:
    backends = app.backends
    return ReadingService(backends.database, backends.reads, lambda session: _build_users(app, session))


async def _impersonating(app: App, session: Unit, opening: Opening) -> ImpersonationService:
    accounts = build_accounts(session, app.clock)
    return ImpersonationService(session, accounts, RoleService(session, app.clock), opening)


Users = Annotated[UserService, Depends(_users)]
UsersReading = Annotated[ReadingService, Depends(_users_reading)]
Impersonating = Annotated[ImpersonationService, Depends(_impersonating)]
