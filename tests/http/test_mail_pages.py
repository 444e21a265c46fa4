"""The pages behind mailed links."""

import re

import httpx2
import pytest

from madang.kit.urls import RESET_PAGE, VERIFY_PAGE


@pytest.mark.parametrize("path", [VERIFY_PAGE, RESET_PAGE, f"{RESET_PAGE}/"])
async def test_a_mailed_link_opens_a_page_that_runs_no_script_of_anybody_else(
    visitor: httpx2.AsyncClient, path: str
) -> None:
    page = await visitor.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert not re.search(r"<script(?! type=\"module\" src=\"/app/)|<style|\son\w+=", page.text)


async def test_what_the_page_needs_is_served(visitor: httpx2.AsyncClient) -> None:
    page = (await visitor.get(VERIFY_PAGE)).text
    needed = re.findall(r"(?:href|src)=\"(/[^\"]+)\"", page)
    assert needed
    for path in needed:
        assert (await visitor.get(path)).status_code == 200, path
    assert (await visitor.get("/app/assets/../mail_pages.py")).status_code == 404
