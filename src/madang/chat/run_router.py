"""Runs: their state, their events, and their end on request."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse

from madang.chat.deps import Chat, ChatReading, Language, Runs
from madang.chat.schemas import RunEvent, RunView
from madang.chat.service import run_view
from madang.http.caller import CurrentUser, requires
from madang.http.events import event_stream
from madang.http.limits import limited_by_person
from madang.http.state import App

router = APIRouter(
    prefix="/api/v1/chat/runs", tags=["chat"], dependencies=[requires("chat"), limited_by_person("chat")]
)
LastEventId = Annotated[int | None, Header(ge=0)]
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The run's events", "content": {"text/event-stream": {}}},
    204: {"description": "The run has ended and there is nothing after `Last-Event-ID`"},
}


@router.get("/{run_id}", summary="One run")
async def show_run(run_id: UUID, user: CurrentUser, chat: ChatReading, language: Language) -> RunView:
    return run_view(await chat.run(user.id, run_id), language)


@router.post("/{run_id}/cancel", status_code=202, summary="Stop the answer; what was said is kept")
async def cancel(run_id: UUID, user: CurrentUser, chat: Chat, language: Language) -> RunView:
    return run_view(await chat.cancel(user.id, run_id), language)


@router.get(
    "/{run_id}/events",
    response_class=StreamingResponse,
    responses=_EVENTS,
    summary="Follow the answer, from Last-Event-ID on",
)
async def follow(
    run_id: UUID,
    user: CurrentUser,
    runs: Runs,
    app: App,
    language: Language,
    last_event_id: LastEventId = None,
) -> Response:
    if await runs.is_read(user.id, run_id, last_event_id):
        return Response(status_code=204)
    return stream(runs.follow(run_id, last_event_id, language), app)


def stream(events: AsyncGenerator[RunEvent, None], app: App, headers: dict[str, str] | None = None) -> Response:
    response = event_stream(events, app.stopping)
    response.headers.update(headers or {})
    return response
