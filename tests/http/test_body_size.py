"""A body over its limit is refused in problem form, before it is read whole and before anything is done with it."""

import time
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI, Request
from structlog.testing import capture_logs

from tests.http.conftest import OpenApp, caller
from tests.http.test_problems import assert_problem

ACCOUNTS = "/api/v1/accounts"
JSON = {"Content-Type": "application/json"}


async def in_chunks(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


async def test_a_declared_length_over_the_limit_is_a_problem_with_all_headers(client: httpx2.AsyncClient) -> None:
    answer = await client.post(ACCOUNTS, content=b"x" * 2_000_000, headers=JSON | {"X-Request-ID": "too-much"})
    assert assert_problem(answer, 413, "body-too-large")["request_id"] == "too-much"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_chunks_over_the_limit_are_a_problem(client: httpx2.AsyncClient) -> None:
    answer = await client.post(ACCOUNTS, content=in_chunks(50_000, 40), headers=JSON)
    assert_problem(answer, 413, "body-too-large")


async def test_a_refused_body_is_no_failure_in_the_log(visitor: httpx2.AsyncClient) -> None:
    with capture_logs() as lines:
        await visitor.post(ACCOUNTS, content=b"x" * 2_000_000, headers=JSON)
        await visitor.post(ACCOUNTS, content=in_chunks(50_000, 40), headers=JSON)
    assert [line["status"] for line in lines] == [413, 413]
    assert {line["log_level"] for line in lines} == {"info"}


async def test_ten_megabytes_of_password_are_refused_at_once(client: httpx2.AsyncClient) -> None:
    body = b'{"account_id": "enormous", "password": "' + b"p" * 10_000_000 + b'"}'
    started = time.monotonic()
    answer = await client.post(ACCOUNTS, content=body, headers=JSON)
    assert_problem(answer, 413, "body-too-large")
    assert time.monotonic() - started < 1
    assert (await client.get(f"{ACCOUNTS}/exist/enormous")).json()["exists"] is False


async def test_a_body_over_the_limit_is_not_read_whole(open_app: OpenApp) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1024
            yield b"x" * 1024

    async with open_app(max_body=4096) as app:
        answer = await caller(app).post(ACCOUNTS, content=endless(), headers=JSON)
    assert answer.status_code == 413
    assert sent < 16 * 1024


@pytest.mark.parametrize("size", [4096, 4097])
async def test_the_limit_is_exact(open_app: OpenApp, size: int) -> None:
    async with open_app(max_body=4096) as app:
        answer = await caller(app).post(ACCOUNTS, content=b" " * (size - 2) + b"{}", headers=JSON)
    assert answer.status_code == (422 if size == 4096 else 413)


async def test_a_route_may_take_more_than_the_rest(app: FastAPI) -> None:
    @app.put("/parts", max_body_size=4_000_000)
    async def parts(request: Request) -> int:
        return len(await request.body())

    assert (await caller(app).put("/parts", content=b"x" * 3_000_000)).json() == 3_000_000
    assert_problem(await caller(app).put("/parts", content=b"x" * 4_000_001), 413, "body-too-large")
