"""Finding people."""

from collections.abc import Sequence
from uuid import UUID

from madang.accounts.errors import PageTooDeep
from madang.accounts.models import Account
from madang.accounts.schemas import People
from madang.accounts.search_repository import EXACT_BELOW, SearchRepository
from madang.db.session import Session
from madang.kit.searching import searchable


class SearchService:
    def __init__(self, session: Session) -> None:
        self._people = SearchRepository(session)

    async def page(self, people: People, sort: str, page: int, size: int) -> tuple[Sequence[Account], int, bool]:
        """The people of a page, how many there are in all, and whether that is exact. Raises `PageTooDeep`."""
        if page * size > EXACT_BELOW:
            raise PageTooDeep(limit=EXACT_BELOW)
        found = await self.first(people, sort, size, skip=(page - 1) * size)
        total, is_exact = await self._people.total(_searchable(people))
        return found, total, is_exact

    async def first(self, people: People, sort: str, limit: int, *, skip: int = 0) -> Sequence[Account]:
        """`sort`: created_at, name or account_id, with `-` for the reverse."""
        name, descending = sort.removeprefix("-"), sort.startswith("-")
        return await self._people.page(_searchable(people), name, descending=descending, skip=skip, limit=limit)

    async def after(self, people: People, after: UUID | None, limit: int) -> Sequence[Account]:
        """The oldest first, as many at a time as wanted."""
        return await self._people.after(_searchable(people), after, limit)


def _searchable(people: People) -> People:
    return people._replace(q=searchable(people.q or "") or None)
