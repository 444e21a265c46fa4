"""A request's unit of work. `scope="function"` closes it before the response leaves: a commit that fails must not
have been answered with success, and a stream must not hold a connection."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends

from madang.db.session import Session
from madang.http.state import App


async def _open_unit(app: App) -> AsyncIterator[Session]:
    async with app.backends.database.unit() as session:
        yield session


async def _open_read_unit(app: App) -> AsyncIterator[Session]:
    async with app.backends.database.read_unit() as session:
        yield session


Unit = Annotated[Session, Depends(_open_unit, scope="function")]
ReadUnit = Annotated[Session, Depends(_open_read_unit, scope="function")]
