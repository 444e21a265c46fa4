"""Acting for somebody, for support: an own permission, an hour at most, never towards a role that reaches further."""

from datetime import timedelta
from uuid import UUID

from madang.accounts.errors import AccountNotFound
from madang.accounts.role_service import RoleService, ensure_within
from madang.accounts.service import AccountService
from madang.admin.errors import NotActive, NotYourself
from madang.db.session import Session
from madang.kit.caller import Caller
from madang.sessions.models import UserSession
from madang.sessions.opening_service import OpeningService


class ImpersonationService:
    def __init__(self, session: Session, accounts: AccountService, roles: RoleService, opening: OpeningService) -> None:
        self._session = session
        self._accounts = accounts
        self._roles = roles
        self._opening = opening

    async def start(self, user_id: UUID, caller: Caller, reason: str, minutes: int) -> UserSession:
        """Raises `AccountNotFound`, `NotActive`, `NotYourself` or `BeyondYourRole`."""
        if user_id == caller.id:
            raise NotYourself
        account = await self._accounts.locked(user_id)
        if account is None or account.erased_at is not None:
            raise AccountNotFound
        ensure_within(await self._roles.reach_of(account.role), caller.reach)
        if not account.is_active:
            raise NotActive
        return await self._opening.impersonate(self._session, account, caller.id, reason, timedelta(minutes=minutes))
