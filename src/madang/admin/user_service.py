"""People as administrators see and change them: never further than one's own role reaches."""

from uuid import UUID

from madang.accounts.errors import AccountNotFound
from madang.accounts.models import Account
from madang.accounts.role_service import RoleService, ensure_within
from madang.accounts.schemas import InvitedAccount, ProfilePatch
from madang.accounts.service import AccountService
from madang.admin.errors import NoProvenEmail
from madang.admin.schemas import UserPatch, UserView
from madang.factors.service import FactorService
from madang.sessions.closing_service import ClosingService
from madang.sessions.proof_service import INVITE, RESET, ProofService
from madang.sessions.service import SessionService


class UserService:
    """Within one unit. `own` is what the caller's role reaches."""

    def __init__(
        self,
        accounts: AccountService,
        roles: RoleService,
        closing: ClosingService,
        sessions: SessionService,
        proofs: ProofService,
        factors: FactorService,
    ) -> None:
        self._accounts = accounts
        self._roles = roles
        self._closing = closing
        self._sessions = sessions
        self._proofs = proofs
        self._factors = factors

    async def get(self, user_id: UUID) -> UserView:
        """Deleted ones too, until they are erased; raises `AccountNotFound`."""
        account = await self._accounts.get(user_id)
        if account is None or account.erased_at is not None:
            raise AccountNotFound
        return await self._view(account)

    async def invite(self, invited: InvitedAccount, own: frozenset[str]) -> UserView:
        """Mails a link with which its owner, and nobody else, chooses the password."""
        account = await self._accounts.invite(invited, await self._roles.to_give(invited.role, own))
        await self._proofs.request(INVITE, invited.email, account)
        return await self._view(account)

    async def change(self, user_id: UUID, patch: UserPatch, own: frozenset[str]) -> UserView:
        """Raises `LastAdministrator`, `UnknownRole` or `BeyondYourRole`, and then nothing was changed."""
        await self._reachable(user_id, own)
        if patch.role is not None:
            await self._give_role(user_id, patch.role, own)
        if patch.is_active is False:
            await self._closing.disable(user_id)
        elif patch.is_active:
            await self._accounts.enable(user_id)
        # Last, since it locks the account: what may touch administrators locks them first, whoever does it.
        profile = patch.model_dump(include={"name", "language", "time_zone"}, exclude_unset=True)
        if profile:
            await self._accounts.change_profile(user_id, ProfilePatch(**profile))
        return await self.get(user_id)

    async def delete(self, user_id: UUID, own: frozenset[str]) -> None:
        await self._reachable(user_id, own)
        await self._closing.delete(user_id)

    async def restore(self, user_id: UUID, new_id: str | None, own: frozenset[str]) -> UserView:
        await self._reachable(user_id, own, deleted=True)
        return await self._view(await self._accounts.restore(user_id, new_id))

    async def end_sessions(self, user_id: UUID, own: frozenset[str]) -> int:
        await self._reachable(user_id, own)
        return await self._sessions.revoke_all(user_id)

    async def reset_password(self, user_id: UUID, own: frozenset[str]) -> None:
        """Mail the owner a code, or the invitation once more; raises `NoProvenEmail`."""
        account = await self._reachable(user_id, own)
        if account.email:
            await self._proofs.request(RESET, account.email, account)
        elif account.unproven_email and account.password_hash is None and await self._proofs.is_invited(account.id):
            await self._proofs.request(INVITE, account.unproven_email, account)
        else:
            raise NoProvenEmail

    async def _give_role(self, user_id: UUID, name: str, own: frozenset[str]) -> None:
        role = await self._roles.to_give(name, own)
        await self._accounts.give_role(await self._closing.demotable(user_id, role), role)

    async def _reachable(self, user_id: UUID, own: frozenset[str], *, deleted: bool = False) -> Account:
        account = await self._accounts.get(user_id)
        if account is None or account.erased_at is not None or (account.deleted_at is not None and not deleted):
            raise AccountNotFound
        ensure_within(await self._roles.reach_of(account.role), own)
        return account

    async def _view(self, account: Account) -> UserView:
        known = {name: getattr(account, name) for name in UserView.model_fields if hasattr(account, name)}
        last, enrolled = await self._sessions.last_started(account.id), await self._factors.is_enrolled(account.id)
        return UserView(**known, last_sign_in_at=last, mfa_enabled=enrolled)
