"""What the framework itself costs: one FastAPI route with a token check as dependency, asyncpg, a response model.

No limits, no log line, no metrics, no middleware, no ORM; the framework's telemetry is off, as in the product.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

from benchmarks.contestants.common import ME, TokenCheck, arguments, is_live, open_pool, serve


class Me(BaseModel):
    id: UUID
    account_id: str
    email: str | None
    email_verified: bool
    name: str | None
    language: str | None
    time_zone: str | None
    role: str
    is_active: bool
    auth_provider: str
    created_at: datetime


def create_app(*, remember: bool, frugal: bool) -> FastAPI:
    check = TokenCheck(remember=remember)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await open_pool(frugal=frugal)
        yield
        await app.state.pool.close()

    async def caller(request: Request) -> dict[str, Any]:
        claims = check(request.headers.get("authorization"))
        if claims is None:
            raise HTTPException(401)
        return claims

    app = FastAPI(lifespan=lifespan, telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/ready")
    async def ready() -> dict[str, str]:
        return {}

    @app.get("/me")
    async def me(request: Request, claims: Annotated[dict[str, Any], Depends(caller)]) -> Me:
        pool: asyncpg.Pool[asyncpg.Record] = request.app.state.pool
        row = await pool.fetchrow(ME, claims["session"])
        if row is None or not is_live(row, datetime.now(UTC)):
            raise HTTPException(401)
        return Me(**row)

    return app


if __name__ == "__main__":
    given = arguments("remember", "defaults")
    serve(create_app(remember=given.remember, frugal=not given.defaults), given.port)
