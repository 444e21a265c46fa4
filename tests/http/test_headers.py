"""What every response carries: security headers, request id, language, cookies, CORS."""

import re
from http.cookies import SimpleCookie

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.http.problems import preferred_language
from tests.factories import PASSWORD, make_user
from tests.http.conftest import OpenApp, caller

ACCOUNTS = "/api/v1/accounts"
PUBLIC = "https://madang.example"
LISTED = "https://app.elsewhere.example"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/health/live", 200),
        ("GET", "/docs", 200),
        ("GET", "/docs/assets/favicon.png", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/nowhere", 404),
        ("PUT", "/health", 405),
        ("GET", f"{ACCOUNTS}/me", 401),
        ("POST", ACCOUNTS, 422),
        ("POST", f"{ACCOUNTS}/token", 400),
    ],
)
async def test_every_response_is_guarded(open_app: OpenApp, method: str, path: str, status: int) -> None:
    async with open_app(public_url=PUBLIC) as app:
        answer = await caller(app).request(method, path)
    assert answer.status_code == status
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
    assert len(answer.headers.get_list("content-security-policy")) == 1
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe-eval" not in answer.headers["content-security-policy"]
    age = re.match(r"max-age=(\d+)", answer.headers["strict-transport-security"])
    assert age
    assert int(age[1]) >= 365 * 24 * 3600
    assert len(answer.headers.get_list("x-request-id")) == 1


async def test_plain_http_promises_no_https(visitor: httpx2.AsyncClient) -> None:
    assert "strict-transport-security" not in (await visitor.get("/")).headers


async def test_what_tells_of_people_is_never_stored(visitor: httpx2.AsyncClient) -> None:
    person = await make_user(visitor)
    for path in (f"{ACCOUNTS}/me", "/api/v1/sessions", f"{ACCOUNTS}/exist/{person.account_id}"):
        answer = await visitor.get(path, headers=person.headers)
        assert answer.headers.get_list("cache-control") == ["no-store"], path
    form = {"username": person.account_id, "password": PASSWORD}
    assert (await visitor.post(f"{ACCOUNTS}/token", data=form)).headers.get_list("cache-control") == ["no-store"]


@pytest.mark.parametrize("sane", ["a", "0f8fad5b-d9cb-469f-a165-70867728950e", "A.b_c-1", "x" * 64])
async def test_a_sane_request_id_is_taken_over(visitor: httpx2.AsyncClient, sane: str) -> None:
    answer = await visitor.get("/nowhere", headers={"X-Request-ID": sane})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == sane


@pytest.mark.parametrize("mad", ["", "x" * 65, "two words", "<script>", "a\tb", 'quote"', "semi;colon"])
async def test_any_other_request_id_is_replaced(visitor: httpx2.AsyncClient, mad: str) -> None:
    answer = await visitor.get("/nowhere", headers={"X-Request-ID": mad})
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_made_request_ids_differ(visitor: httpx2.AsyncClient) -> None:
    assert len({(await visitor.get("/")).headers["x-request-id"] for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ko", "ko"),
        ("KO", "ko"),
        ("ko-KR", "ko"),
        ("en", "en"),
        ("ko,en", "en"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        ("en-US,en;q=0.9,ko;q=0.8", "en"),
        ("en;q=0.2,ko;q=0.3", "ko"),
        ("en; q=0.1, ko; q=0.9", "ko"),
        ("ko ;q=0.9 , en ; q=0.1", "ko"),
        ("ko;Q=0.9,en;Q=0.1", "ko"),
        ("ko;q=0", "en"),
        ("ko;q=0.000,en;q=0.001", "en"),
        ("en;q=0.5,en-GB;q=0.9,ko;q=0.8", "en"),
        ("fr,de;q=0.5", "en"),
        ("*", "en"),
        ("en;q=0.5,*;q=0.8", "ko"),
        ("en;q=0, *", "ko"),
        ("ko;q=nan,en;q=0.1", "en"),
        ("ko;q=inf", "en"),
        ("ko;q=-1", "en"),
        ("ko;q=2", "en"),
        ("korean", "en"),
        (";;;,,,q=,ko;q=,=", "en"),
        ("ko\0", "en"),
        ("en," * 1000 + "ko;q=0.9", "en"),
    ],
)
def test_the_better_language_is_preferred(header: str, language: str) -> None:
    assert preferred_language(header) == language


@given(st.text())
def test_no_language_header_breaks_anything(header: str) -> None:
    assert preferred_language(header) in {"ko", "en"}


async def test_refusals_speak_the_preferred_language_and_keep_their_code(visitor: httpx2.AsyncClient) -> None:
    korean = (await visitor.get("/nowhere", headers={"Accept-Language": "ko"})).json()
    english = (await visitor.get("/nowhere", headers={"Accept-Language": "en"})).json()
    assert (korean["title"], english["title"]) == ("여기에는 아무것도 없습니다", "Nothing is here")
    assert korean["detail"] != english["detail"]
    assert korean["code"] == english["code"]


async def test_cookies_are_prefixed_and_secure_behind_https(open_app: OpenApp) -> None:
    async with open_app(public_url=PUBLIC) as app, caller(app, base_url=PUBLIC) as client:
        person = await make_user(client)
        form = {"username": person.account_id, "password": PASSWORD}
        signed_in = await client.post(f"{ACCOUNTS}/token", data=form)
        refreshed = await client.post(f"{ACCOUNTS}/refresh")
        assert refreshed.status_code == 200, "the cookie alone refreshes"
        left = await client.delete(f"{ACCOUNTS}/logout")
    for answer in (signed_in, refreshed, left):
        set_cookies = [SimpleCookie(line) for line in answer.headers.get_list("set-cookie")]
        found = {name: morsel for cookie in set_cookies for name, morsel in cookie.items()}
        device = {"__Secure-madang_device"} if answer is signed_in else set()
        assert set(found) == {"__Host-madang_access", "__Secure-madang_refresh"} | device
        for morsel in found.values():
            assert morsel["secure"]
            assert morsel["httponly"]
            assert morsel["samesite"] == "lax"
            assert morsel["domain"] == ""
        assert found["__Host-madang_access"]["path"] == "/"
        assert found["__Secure-madang_refresh"]["path"] == ACCOUNTS
        assert (int(found["__Secure-madang_refresh"]["max-age"]) == 0) is (answer is left)


async def test_without_cors_origins_nobody_elsewhere_may_read(visitor: httpx2.AsyncClient) -> None:
    for method in ("GET", "OPTIONS"):
        headers = {"Origin": LISTED, "Access-Control-Request-Method": "GET"}
        answer = await visitor.request(method, f"{ACCOUNTS}/me", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_listed_origin_may_read_answers_and_refusals(open_app: OpenApp) -> None:
    async with open_app(cors_origins=[LISTED]) as app, caller(app) as client:
        answers = [
            await client.get("/", headers={"Origin": LISTED}),
            await client.get(f"{ACCOUNTS}/me", headers={"Origin": LISTED}),
            await client.post(ACCOUNTS, content=b"x" * 2_000_000, headers={"Origin": LISTED}),
        ]
        assert [answer.status_code for answer in answers] == [200, 401, 413]
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == LISTED
            assert answer.headers["access-control-allow-credentials"] == "true"
            assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()
            assert "origin" in answer.headers["vary"].lower()


async def test_an_unlisted_origin_is_granted_nothing(open_app: OpenApp) -> None:
    async with open_app(cors_origins=[LISTED]) as app, caller(app) as client:
        for origin in ("https://evil.example", "null", f"{LISTED}.evil.example", LISTED.replace("https", "http")):
            asked = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
            for answer in (
                await client.get("/", headers={"Origin": origin}),
                await client.options(f"{ACCOUNTS}/me", headers=asked),
            ):
                assert "access-control-allow-origin" not in answer.headers
                assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_listed_origins_preflight_is_answered_with_security_headers(open_app: OpenApp) -> None:
    headers = {
        "Origin": LISTED,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    async with open_app(cors_origins=[LISTED]) as app, caller(app) as client:
        answer = await client.options(f"{ACCOUNTS}/me", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-request-id"]
