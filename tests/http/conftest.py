"""Applications with settings of their own, called in this process so that a test chooses the peer's address."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from madang.app import create_app
from madang.settings import Settings

Opened = AbstractAsyncContextManager[FastAPI]
OpenApp = Callable[..., Opened]


@pytest.fixture
def open_app(settings: Settings) -> OpenApp:
    """`async with open_app(max_body=2048) as app`: a running application with these settings changed."""

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[FastAPI]:
        app = create_app(settings.model_copy(update=changes))
        async with app.router.lifespan_context(app):
            yield app

    return opened


@pytest.fixture
async def app(open_app: OpenApp) -> AsyncIterator[FastAPI]:
    async with open_app() as opened:
        yield opened


def caller(app: FastAPI, peer: str = "203.0.113.7", **options: Any) -> httpx2.AsyncClient:
    """A client whose requests reach the application from `peer`."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=(peer, 4711))
    return httpx2.AsyncClient(**{"transport": transport, "base_url": "http://localhost", **options})


@pytest.fixture
async def visitor(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with caller(app) as opened:
        yield opened
