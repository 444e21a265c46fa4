"""People as administrators read them: through the cache, and never older than the last write."""

from collections.abc import Callable, Sequence
from uuid import UUID

from madang.accounts.models import PEOPLE, Account, person_tag
from madang.accounts.schemas import People
from madang.accounts.search_service import SearchService
from madang.admin.schemas import ListedUser, UserPage
from madang.admin.user_service import UserService
from madang.backends.cache.reads import CachedReads
from madang.db.session import Database, Session

SECONDS_OF_ONE = 300
SECONDS_OF_LISTS = 60


class ReadingService:
    """Opens units of its own, since none may wait for the cache; what it returns is JSON."""

    def __init__(self, database: Database, reads: CachedReads, users: Callable[[Session], UserService]) -> None:
        self._database = database
        self._reads = reads
        self._users = users

    async def one(self, user_id: UUID) -> bytes:
        """A `UserView`; raises `AccountNotFound`."""

        async def look() -> bytes:
            async with self._database.read_unit() as session:
                return _json(await self._users(session).get(user_id))

        return await self._reads.get(person_tag(user_id), "user", SECONDS_OF_ONE, look)

    async def page(self, people: People, sort: str, page: int, size: int) -> bytes:
        """A `UserPage`; raises `PageTooDeep`."""

        async def look() -> bytes:
            async with self._database.read_unit() as session:
                found, total, is_exact = await SearchService(session).page(people, sort, page, size)
            items = [ListedUser.model_validate(one) for one in found]
            return _json(UserPage(items=items, page=page, size=size, total=total, total_is_exact=is_exact))

        return await self._reads.get(PEOPLE, repr((*people, sort, page, size)), SECONDS_OF_LISTS, look)

    async def feed(self, people: People, after: UUID | None, limit: int) -> Sequence[Account]:
        """In the order of ids, from after one of them; not kept, since nobody asks twice."""
        async with self._database.read_unit() as session:
            return await SearchService(session).after(people, after, limit)


def _json(view: UserPage | ListedUser) -> bytes:
    return view.model_dump_json().encode()
