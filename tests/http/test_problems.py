"""Every refusal is a problem of RFC 9457 with all its members, whatever refused it."""

from typing import Annotated, Any

import httpx2
import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel

from madang.kit.schemas import Body
from tests.factories import PASSWORD, SignedIn, make_user
from tests.http.conftest import OpenApp, caller

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}
ACCOUNTS = "/api/v1/accounts"
JSON = {"Content-Type": "application/json"}


def assert_problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) >= MEMBERS
    assert set(body) <= MEMBERS | {"errors"}
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/problems/{code}")
    assert body["instance"] == answer.request.url.path
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["title"]
    assert body["detail"]
    return body


def pointers(answer: httpx2.Response) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


class Inner(Body):
    number: int


class Outer(Body):
    inner: list[Inner]


def add_routes(app: FastAPI) -> None:
    @app.post("/nested")
    async def nested(body: Outer) -> Outer:
        return body

    @app.get("/query")
    async def query(number: Annotated[int, Query(ge=1)]) -> int:
        return number

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("SELECT secret FROM /etc/passwd")


@pytest.fixture
def visitor_of_more(app: FastAPI) -> httpx2.AsyncClient:
    add_routes(app)
    return caller(app)


async def test_an_unknown_path_is_a_problem(visitor: httpx2.AsyncClient) -> None:
    assert_problem(await visitor.get("/nowhere"), 404, "not-found")
    assert_problem(await visitor.get("/docs/assets/nothing.js"), 404, "not-found")


async def test_a_wrong_method_names_all_the_right_ones(visitor: httpx2.AsyncClient) -> None:
    answer = await visitor.request("PROPFIND", f"{ACCOUNTS}/me")
    assert_problem(answer, 405, "method-not-allowed")
    assert set(answer.headers["allow"].split(", ")) >= {"GET", "PATCH"}
    assert (await visitor.request("PUT", "/api/v1/sessions")).headers["allow"] == "DELETE, GET"
    assert (await visitor.post("/docs/assets/favicon.png")).headers["allow"] == "GET, HEAD"


async def test_nothing_but_post_reaches_the_token_endpoint(visitor: httpx2.AsyncClient) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        answer = await visitor.request(method, f"{ACCOUNTS}/token")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST"), method


async def test_nested_and_query_faults_point_at_their_place(visitor_of_more: httpx2.AsyncClient) -> None:
    nested = await visitor_of_more.post("/nested", json={"inner": [{"number": 1}, {"number": "x", "a/b~c": 2}]})
    assert_problem(nested, 422, "invalid-fields")
    assert pointers(nested) == ["/inner/1/number", "/inner/1/a~1b~0c"]
    assert {error["code"] for error in nested.json()["errors"]} == {"int-parsing", "extra-forbidden"}
    query = await visitor_of_more.get("/query", params={"number": 0})
    assert_problem(query, 422, "invalid-fields")
    assert pointers(query) == ["#query/number"]


async def test_a_path_parameter_is_pointed_at(visitor: httpx2.AsyncClient) -> None:
    answer = await visitor.get(f"{ACCOUNTS}/exist/a")
    assert_problem(answer, 422, "invalid-fields")
    assert pointers(answer) == ["#path/account_id"]


async def test_broken_json_points_at_the_whole_body(visitor: httpx2.AsyncClient) -> None:
    answer = await visitor.post(ACCOUNTS, content=b'{"account_id": ', headers=JSON)
    assert_problem(answer, 422, "invalid-fields")
    assert answer.json()["errors"][0]["pointer"] == ""
    assert answer.json()["errors"][0]["code"] == "json-invalid"


@pytest.mark.parametrize("body", [b'{"a\xff": 1}', b"[" * 500_000, b'{"a":' + b"9" * 6000 + b"}"])
async def test_json_that_no_parser_takes_is_malformed(visitor: httpx2.AsyncClient, body: bytes) -> None:
    assert_problem(await visitor.post(ACCOUNTS, content=body, headers=JSON), 400, "malformed-request")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense", None]
)
async def test_a_json_endpoint_takes_nothing_that_a_form_can_send(
    visitor: httpx2.AsyncClient, kind: str | None
) -> None:
    content = f'{{"account_id": "from_form", "password": "{PASSWORD}"}}'.encode()
    headers = {"Content-Type": kind} if kind else {}
    answer = await visitor.post(ACCOUNTS, content=content, headers=headers)
    assert_problem(answer, 415, "unsupported-media-type")
    assert (await visitor.get(f"{ACCOUNTS}/exist/from_form")).json()["exists"] is False


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"\\ud800": 1}', ""),
        (b'{"account_id": "somebody", "password": "\\ud800\\ud800\\ud800\\ud800\\ud800"}', "/password"),
        (b'{"account_id": "somebody", "password": "long enough", "name": "a\\u0000b"}', "/name"),
        (b'["not", "an", "object"]', ""),
        (b"null", ""),
    ],
)
async def test_text_that_no_database_stores_is_refused(visitor: httpx2.AsyncClient, body: bytes, pointer: str) -> None:
    answer = await visitor.post(ACCOUNTS, content=body, headers=JSON)
    assert_problem(answer, 422, "invalid-fields")
    assert pointers(answer) == [pointer]


async def test_a_nul_in_a_name_to_sign_in_with_is_no_server_error(visitor: httpx2.AsyncClient) -> None:
    answer = await visitor.post(f"{ACCOUNTS}/token", data={"username": "a\0b", "password": PASSWORD})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_nul_in_ones_own_name_is_refused(visitor: httpx2.AsyncClient) -> None:
    person: SignedIn = await make_user(visitor)
    answer = await visitor.patch(f"{ACCOUNTS}/me", json={"name": "a\0b"}, headers=person.headers)
    assert_problem(answer, 422, "invalid-fields")


async def test_a_failure_of_ours_hides_its_inside_and_shows_its_id(visitor_of_more: httpx2.AsyncClient) -> None:
    answer = await visitor_of_more.get("/fails", headers={"X-Request-ID": "look-me-up"})
    assert assert_problem(answer, 500, "internal-error")["request_id"] == "look-me-up"
    for secret in ("SELECT", "passwd", "RuntimeError", "Traceback", ".py"):
        assert secret not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_answer_that_breaks_its_own_schema_is_an_internal_error(app: FastAPI) -> None:
    class Shape(BaseModel):
        number: int

    @app.get("/breaks-its-word", response_model=Shape)
    async def breaks() -> dict[str, str]:
        return {"number": "password=hunter2"}

    answer = await caller(app).get("/breaks-its-word")
    assert_problem(answer, 500, "internal-error")
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("path", ["", "/"])
async def test_a_trailing_slash_is_the_same_route_without_redirect(visitor: httpx2.AsyncClient, path: str) -> None:
    answer = await visitor.get(f"/health/live{path}")
    assert (answer.status_code, answer.history) == (200, [])
    posted = await visitor.post(f"{ACCOUNTS}{path}", json={"account_id": "slashed", "password": PASSWORD})
    assert posted.status_code == 201


async def test_a_token_in_the_query_is_ignored(visitor: httpx2.AsyncClient) -> None:
    person = await make_user(visitor)
    answer = await visitor.get(f"{ACCOUNTS}/me", params={"access_token": person.access_token})
    assert_problem(answer, 401, "not-signed-in")
    assert answer.headers["www-authenticate"] == 'Bearer realm="madang"'


async def test_a_rubbish_token_says_invalid_token(visitor: httpx2.AsyncClient) -> None:
    answer = await visitor.get(f"{ACCOUNTS}/me", headers={"Authorization": "Bearer rubbish"})
    assert_problem(answer, 401, "invalid-access-token")
    assert answer.headers["www-authenticate"] == 'Bearer realm="madang", error="invalid_token"'


async def test_the_header_wins_over_the_cookie(open_app: OpenApp) -> None:
    async with open_app() as app, caller(app) as client:
        person = await make_user(client)
        client.cookies.set("madang_access", person.access_token)
        assert (await client.get(f"{ACCOUNTS}/me")).status_code == 200
        for header in ("Bearer rubbish", "Basic YTpi", ""):
            answer = await client.get(f"{ACCOUNTS}/me", headers={"Authorization": header})
            assert_problem(answer, 401, "invalid-access-token")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b"garbage"),
        ("multipart/form-data", b"garbage"),
        ("application/json", b"[" * 500_000),
        ("application/json", b"\xff\xfe"),
    ],
)
async def test_a_token_request_that_no_parser_takes_is_invalid_request(
    visitor: httpx2.AsyncClient, kind: str, body: bytes
) -> None:
    for path in ("token", "refresh"):
        answer = await visitor.post(f"{ACCOUNTS}/{path}", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"] == "invalid_request"
        assert answer.headers["cache-control"] == "no-store"
