"""The web application: lifespan, middleware, routers, problem handlers."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from madang import __version__
from madang.accounts.preference_router import router as preferences
from madang.accounts.router import router as accounts
from madang.admin.impersonation_router import router as impersonations
from madang.admin.operations_router import router as operations
from madang.admin.quota_router import router as quotas
from madang.admin.role_router import router as roles
from madang.admin.user_list_router import router as user_list
from madang.admin.user_router import router as users
from madang.apikeys.authentication_service import ApiKeyAuthenticationService
from madang.apikeys.router import router as api_keys
from madang.apikeys.service import PREFIX as API_KEY_PREFIX
from madang.audit.router import router as audit
from madang.audit.runner import writing_refusals
from madang.backends import Backends, open_backends
from madang.captions.document_router import router as caption_documents
from madang.captions.router import router as captions
from madang.chat.deps import answering
from madang.chat.openai_router import router as openai
from madang.chat.preset_router import router as chat_presets
from madang.chat.router import router as chat
from madang.chat.run_router import router as chat_runs
from madang.chat.share_router import router as chat_shares
from madang.chat.transfer_router import router as chat_transfers
from madang.chat.usage_router import router as chat_usage
from madang.factors.passkey_router import router as passkeys
from madang.factors.router import router as factors
from madang.federation.identity_router import router as identities
from madang.federation.router import router as federation
from madang.http import health, metrics
from madang.http.caller import Authenticators
from madang.http.docs import install_docs
from madang.http.edge import Edge
from madang.http.gate import Gate
from madang.http.limits import Limiter
from madang.http.mail_pages import install_mail_pages
from madang.http.openapi import install_openapi, operation_id
from madang.http.problems import install_problem_handlers
from madang.http.sign_in_page import router as sign_in_page
from madang.http.state import Running
from madang.kit.clock import Clock, utc_now
from madang.kit.hashing import PasswordHasher
from madang.media.link_router import router as media_links
from madang.media.router import router as media
from madang.privacy.router import router as exports
from madang.sessions.closing_router import router as closing
from madang.sessions.email_router import router as emails
from madang.sessions.key_runner import authenticating
from madang.sessions.key_service import KeyPolicy
from madang.sessions.metadata_router import oauth
from madang.sessions.metadata_router import router as token_metadata
from madang.sessions.oauth_router import router as tokens
from madang.sessions.passkey_login_router import router as passkey_logins
from madang.sessions.password_router import router as passwords
from madang.sessions.router import router as sessions
from madang.settings import Settings
from madang.webhooks.router import router as webhooks

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
        sign_in_page,
        health.router,
        metrics.router,
        accounts,
        preferences,
        tokens,
        passwords,
        emails,
        factors,
        federation,
        identities,
        passkeys,
        passkey_logins,
        api_keys,
        token_metadata,
        oauth,
        sessions,
        closing,
        media_links,
        media,
        captions,
        caption_documents,
        chat,
        chat_runs,
        chat_presets,
        chat_shares,
        chat_transfers,
        chat_usage,
        openai,
        exports,
        user_list,
        users,
        impersonations,
        roles,
        operations,
        quotas,
        audit,
        webhooks,
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
        policy = KeyPolicy(settings.jwt_algorithm, settings.seconds("access_ttl"))
        access_tokens = await stack.enter_async_context(
            authenticating(backends.database, keyring, settings.site, policy, clock)
        )
        authenticators = Authenticators(
            access_tokens, {API_KEY_PREFIX: ApiKeyAuthenticationService(backends.database, clock)}
        )
        app.state.limiter = Limiter(settings.limits, backends.cache)
        app.state.running = Running(settings, backends, hasher, keyring, clock, authenticators)
        await stack.enter_async_context(writing_refusals(backends.database, app.state.running.refusals.drain))
        await stack.enter_async_context(answering(app, backends, clock, is_alone=bool(settings.embedded_ports)))
        if beside is not None:
            await stack.enter_async_context(beside(backends))
        yield
