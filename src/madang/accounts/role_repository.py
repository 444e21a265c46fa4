"""All SQL of roles."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from madang.accounts.errors import RoleInUse, RoleNameTaken
from madang.accounts.models import Account, Role
from madang.db.session import Session


class RoleRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def all(self) -> Sequence[Role]:
        """The built-in ones first, then by name."""
        return (await self._session.scalars(select(Role).order_by(Role.is_built_in.desc(), Role.name_key))).all()

    async def get(self, role_id: UUID) -> Role | None:
        return await self._session.get(Role, role_id)

    async def locked(self, role_id: UUID) -> Role | None:
        return await self._session.get(Role, role_id, with_for_update=True, populate_existing=True)

    async def named(self, name: str, *, keep: bool = False) -> Role | None:
        """Without regard to case; `keep` lets nobody remove it until the unit ends."""
        statement = select(Role).where(Role.name_key == name.casefold())
        if keep:
            statement = statement.with_for_update(read=True, key_share=True)
        return await self._session.scalar(statement)

    async def add(self, role: Role) -> Role:
        """Raises `RoleNameTaken`."""
        name = role.name
        self._session.add(role)
        try:
            await self._session.flush()
        except IntegrityError:
            raise RoleNameTaken(role=name) from None
        return role

    async def remove(self, role: Role) -> None:
        """Raises `RoleInUse`; the database decides, so nobody is given the role meanwhile."""
        holders = await self._session.scalar(select(func.count(Account.id)).where(Account.role == role.name)) or 0
        if holders:
            raise RoleInUse(accounts=holders)
        try:
            await self._session.delete(role)
            await self._session.flush()
        except IntegrityError:
            raise RoleInUse(accounts=1) from None
