"""Feeds: cursors go round, strangers to them are refused."""

import contextlib
from typing import Annotated
from uuid import UUID

import httpx2
import pytest
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from madang.http.paging import BadCursor, Feed, FeedQuery, Page, _decode, _encode, cut
from madang.kit.ids import new_id
from tests.http.conftest import caller
from tests.http.test_problems import assert_problem

ROWS = [new_id() for _ in range(7)]


@pytest.fixture
def reader(app: FastAPI) -> httpx2.AsyncClient:
    @app.get("/feed")
    async def feed(query: FeedQuery, _again: Annotated[None, Depends(lambda: None)]) -> Page[UUID]:
        rows = [row for row in ROWS if query.after is None or row > query.after][: query.fetch]
        items, cursor = cut(rows, rows, query)
        return Page(items=items, next_cursor=cursor)

    return caller(app)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 100])
async def test_following_the_cursors_gives_every_row_once(reader: httpx2.AsyncClient, limit: int) -> None:
    seen: list[str] = []
    parameters: dict[str, str | int] = {"limit": limit}
    while True:
        page = (await reader.get("/feed", params=parameters)).json()
        assert 0 < len(page["items"]) <= limit
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    assert seen == [str(row) for row in ROWS]


@pytest.mark.parametrize("limit", ["0", "-1", "101", "x", "1.5", "", "9" * 30])
async def test_a_limit_out_of_bounds_is_refused(reader: httpx2.AsyncClient, limit: str) -> None:
    answer = await reader.get("/feed", params={"limit": limit})
    assert_problem(answer, 422, "invalid-fields")
    assert answer.json()["errors"][0]["pointer"] == "#query/limit"


@pytest.mark.parametrize("cursor", ["", "x", "!" * 22, "A" * 21, "A" * 24, "커서", "A" * 100_00, "../../etc", "\0"])
async def test_a_foreign_cursor_is_refused(reader: httpx2.AsyncClient, cursor: str) -> None:
    assert_problem(await reader.get("/feed", params={"cursor": cursor}), 422, "bad-cursor")


@given(st.uuids())
def test_every_cursor_goes_round(row: UUID) -> None:
    assert _decode(_encode(row)) == row
    assert _encode(row).isascii()


@given(st.text())
def test_no_text_breaks_the_cursor(text: str) -> None:
    with contextlib.suppress(BadCursor):
        assert isinstance(_decode(text), UUID)


def test_the_last_page_has_no_cursor() -> None:
    feed = Feed(limit=3, after=None)
    assert cut(["a", "b", "c"], ROWS[:3], feed) == (["a", "b", "c"], None)
    assert cut([], [], feed) == ([], None)
    assert cut(["a", "b", "c", "d"], ROWS[:4], feed) == (["a", "b", "c"], _encode(ROWS[2]))
