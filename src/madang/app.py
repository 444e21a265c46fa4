"""The web application: lifespan, middleware, routers, problem handlers."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from madang import __version__
from madang.accounts.router import router as accounts
from madang.backends import Backends, open_backends
from madang.captions.document_router import router as caption_documents
from madang.captions.router import router as captions
from madang.chat.deps import answering
from madang.chat.router import router as chat
from madang.chat.run_router import router as chat_runs
from madang.factors.router import router as factors
from madang.http import health, metrics
from madang.http.docs import install_docs
from madang.http.edge import Edge
from madang.http.gate import Gate
from madang.http.limits import Limiter
from madang.http.mail_pages import install_mail_pages
from madang.http.openapi import install_openapi, operation_id
from madang.http.problems import install_problem_handlers
from madang.http.state import Running
from madang.kit.clock import Clock, utc_now
from madang.kit.hashing import PasswordHasher
from madang.media.link_router import router as media_links
from madang.media.router import router as media
from madang.sessions.authentication_service import open_authentication
from madang.sessions.email_router import router as emails
from madang.sessions.metadata_router import oauth
from madang.sessions.metadata_router import router as token_metadata
from madang.sessions.oauth_router import router as tokens
from madang.sessions.password_router import router as passwords
from madang.sessions.router import router as sessions
from madang.settings import Settings

Beside = Callable[[Backends], AbstractAsyncContextManager[None]]


class Root(BaseModel):
    message: str = "Madang"
    version: str = __version__
    docs: str = "/docs"


service = APIRouter(tags=["service"])


@service.get("/", summary="What answers here")
async def root() -> Root:
    return Root()


def create_app(settings: Settings, beside: Beside | None = None, clock: Clock = utc_now) -> FastAPI:
    """The application for these settings; `beside` runs in the same process for as long as it does (the worker)."""
    app = FastAPI(
        title="Madang",
        version=__version__,
        lifespan=lambda app: _lifespan(app, settings, beside, clock),
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_id,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    install_problem_handlers(app)
    install_docs(app)
    install_mail_pages(app)
    install_openapi(app)
    for router in (
        service,
        health.router,
        metrics.router,
        accounts,
        tokens,
        passwords,
        emails,
        factors,
        token_metadata,
        oauth,
        sessions,
        media_links,
        media,
        captions,
        caption_documents,
        chat,
        chat_runs,
    ):
        app.include_router(router)
    _add_middleware(app, settings)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """The last one added is the outermost; the limit of bodies is inside the edge, so that its 413 is a problem too."""
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.max_body)
    app.add_middleware(Gate, settings=settings)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_credentials=True,
            allow_methods=["*"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "Last-Event-ID",
                "X-Request-ID",
            ],
            expose_headers=["Content-Disposition", "ETag", "Location", "Retry-After", "X-Caption-Loss", "X-Request-ID"],
        )
    app.add_middleware(Edge, settings=settings)


@asynccontextmanager
async def _lifespan(app: FastAPI, settings: Settings, beside: Beside | None, clock: Clock) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        backends = await stack.enter_async_context(open_backends(settings))
        hasher, keyring = PasswordHasher(), backends.keyring
        stack.callback(hasher.close)
        authenticator = await open_authentication(
            backends.database,
            keyring,
            settings.site,
            timedelta(seconds=settings.access_ttl),
            clock,
        )
        app.state.limiter = Limiter(settings.limits, backends.cache)
        app.state.running = Running(settings, backends, hasher, keyring, clock, authenticator)
        await stack.enter_async_context(answering(app, backends, clock, is_alone=bool(settings.embedded_ports)))
        if beside is not None:
            await stack.enter_async_context(beside(backends))
        yield
