"""The documentation's pages load, under a policy that lets them, from this server alone."""

import re

import httpx2
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from tests.http.conftest import caller
from tests.http.test_problems import add_routes

ACCOUNTS = "/api/v1/accounts"


def policy(answer: httpx2.Response) -> dict[str, list[str]]:
    directives = [part.split() for part in answer.headers["content-security-policy"].split(";")]
    return {name: sources for name, *sources in directives}


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_whatever_a_page_names_is_here_and_allowed(visitor: httpx2.AsyncClient, page: str) -> None:
    answer = await visitor.get(page)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href|spec-url)="([^"]+)"', answer.text)
    assert len(named) >= 3
    for url in named:
        assert re.match(r"/[^/]", url), "nothing from elsewhere"
        asset = await visitor.get(url)
        assert (asset.status_code, bool(asset.content)) == (200, True), url
        if url.endswith(".js"):
            assert "javascript" in asset.headers["content-type"], "nosniff refuses any other type"
        if url.endswith(".css"):
            assert asset.headers["content-type"].startswith("text/css")
    assert "<script>" not in answer.text, "the policy allows no inline script"
    rules = policy(answer)
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == rules["connect-src"] == ["'self'"]
    assert "'self'" in rules["style-src"]
    assert "'self'" in rules["img-src"]


async def test_the_document_that_the_pages_read_is_whole(visitor: httpx2.AsyncClient) -> None:
    start = await visitor.get("/docs/start.js")
    assert '"/openapi.json"' in start.text
    assert '"#ui"' in start.text
    assert 'id="ui"' in (await visitor.get("/docs")).text
    document = (await visitor.get("/openapi.json")).json()
    assert f"{ACCOUNTS}/token" in document["paths"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


@pytest.mark.parametrize(
    "path", ["/docs/assets/..%2f..%2fpyproject.toml", "/docs/assets/%00", "/docs/assets", "/docs/x"]
)
async def test_nothing_else_is_served_beside_the_assets(visitor: httpx2.AsyncClient, path: str) -> None:
    assert (await visitor.get(path)).status_code == 404


async def requests_counted(client: httpx2.AsyncClient) -> dict[tuple[str, str, str], float]:
    text = (await client.get("/metrics")).text
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "madang_http_requests_total"
    }


async def test_metrics_count_by_the_routes_template_and_know_no_ids(app: FastAPI) -> None:
    add_routes(app)
    client = caller(app)
    before = await requests_counted(client)
    for account_id in ("some_one", "some_two"):
        await client.get(f"{ACCOUNTS}/exist/{account_id}")
    await client.get("/nowhere/some_three")
    await client.get("/fails")
    await client.request("SOMETHING", "/health")
    after = await requests_counted(client)
    grown = {labels: value - before.get(labels, 0) for labels, value in after.items() if value != before.get(labels)}
    grown.pop(("GET", "/metrics", "200"))
    assert grown == {
        ("GET", f"{ACCOUNTS}/exist/{{account_id}}", "200"): 2,
        ("GET", "(none)", "404"): 1,
        ("GET", "/fails", "500"): 1,
        ("other", "/health", "405"): 1,
    }
    assert "some_" not in (await client.get("/metrics")).text


async def test_durations_are_measured_by_route(visitor: httpx2.AsyncClient) -> None:
    await visitor.get("/health/live")
    answer = await visitor.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'madang_http_request_seconds_bucket{le="+Inf",method="GET",route="/health/live"}' in answer.text
