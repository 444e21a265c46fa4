"""Liveness, readiness, and the union that old clients read."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from madang import __version__
from madang.http.state import App, Running
from madang.kit.problems import Problem

router = APIRouter(tags=["service"])
Verdict = Literal["ok", "failed"]


class Live(BaseModel):
    status: Literal["alive"] = "alive"


class Health(BaseModel):
    status: Literal["healthy", "degraded"]
    service: str = "madang"
    version: str = __version__
    checks: dict[str, Verdict]


@router.get("/health/live", summary="Is the process there")
async def live() -> Live:
    return Live()


@router.get("/health/ready", summary="Can it serve; 503 when a dependency is missing or it is stopping")
async def ready(app: App, response: Response) -> Health:
    health = await _check(app)
    if health.status != "healthy" or app.stopping.is_set():
        response.status_code = 503
    return health


@router.get("/health", summary="Every dependency by name")
async def health(app: App) -> Health:
    return await _check(app)


async def _check(app: Running) -> Health:
    database = await _database(app)
    return Health(status="healthy" if database == "ok" else "degraded", checks={"database": database})


async def _database(app: Running) -> Verdict:
    try:
        await app.backends.database.ping()
    except Problem:
        return "failed"
    return "ok"
