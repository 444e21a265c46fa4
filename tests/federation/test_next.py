"""Where a sign-in may lead (row 82)."""

import pytest

from madang.db.session import Database
from madang.kit.return_to import is_safe_return
from tests.federation.browsing import AUTH, SITE, Browser
from tests.federation.test_callback import sessions_and_accounts

ORIGINS = {SITE, "https://front.example:8443"}
REFUSED = [
    *("https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example"),
    *(r"\evil.example", r"\\evil.example", r"/\evil.example", r"\/evil.example", r"/app\..\..\evil"),
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "blob:x", "file:///etc/passwd"),
    *("https:evil.example", "https:/evil.example", "http:///evil.example", "//evil.example@madang.test"),
    *(f"{SITE}.evil.example", f"{SITE}@evil.example", "http://user@madang.test/", "http://madang.test:80@evil.example"),
    *("https://madang.test/", "http://madang.test:8080/", "http://madang.test:port/", "https://front.example/"),
    *("/%2F/evil.example", "/%2fevil.example", "/%5Cevil.example", "%2F%2Fevil.example", "/%252Fevil.example"),
    *("/%25252Fevil.example", "/%09/evil.example", "/%00", "/app/%0d%0aSet-Cookie:x=y", "/..//evil.example"),
    *("/\tevil", "/\nevil", "/\r\nevil", " /app", "/app ", "\t//evil.example", "/\x00", "/a\x7f", "/\u2028x"),
    *(
        "",
        "app",
        "app/chat",
        "?next=/",
        "#x",
        ".",
        "..",
        "@evil.example",
        ":80",
        "http://",
        "https://[::1",
        "/" + "x" * 2000,
    ),
]
ALLOWED = [
    *("/", "/app", "/app/chat?tab=1&next=//x", "/app?q=a%20b#part", "/app/채팅", "/app/%EC%B1%84", "/a:b@c"),
    *(
        SITE,
        f"{SITE}/",
        f"{SITE}/app?x=1",
        "HTTP://MADANG.TEST/app",
        "http://madang.test:80/",
        "https://front.example:8443/x",
    ),
]


@pytest.mark.parametrize("target", REFUSED)
def test_a_target_elsewhere_is_refused(target: str) -> None:
    assert not is_safe_return(target, ORIGINS)


@pytest.mark.parametrize("target", ALLOWED)
def test_a_target_of_ours_is_allowed(target: str) -> None:
    assert is_safe_return(target, ORIGINS)


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", r"/\evil.example", "javascript:alert(1)", "/\tx"]
)
async def test_it_is_refused_before_anything_is_stored_or_sent(
    browser: Browser, database: Database, target: str
) -> None:
    answer = await browser.open(f"{AUTH}/idp/login", params={"next": target})
    assert (answer.status_code, answer.json()["code"]) == (400, "unsafe-next")
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert await sessions_and_accounts(database) == (0, 0)


async def test_an_address_of_this_site_is_where_it_ends(browser: Browser) -> None:
    answer = await browser.sign_in(next=f"{SITE}/app/채팅")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{SITE}/app/%EC%B1%84%ED%8C%85"
