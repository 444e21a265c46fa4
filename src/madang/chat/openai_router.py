"""OpenAI's API for programs, with API keys: chat completions, embeddings, models."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from madang.chat.deps import Completions
from madang.chat.errors import NoSuchModel
from madang.chat.schemas import ChatCompletion, Embeddings, OpenAIModelsView, OpenAIModelView
from madang.chat.usage_router import quota_headers
from madang.http.caller import CurrentUser, requires
from madang.http.events import FrameStream
from madang.http.leaving import ClientGone, unless_gone
from madang.http.limits import limited_by_person
from madang.http.state import App

router = APIRouter(prefix="/v1", tags=["openai"], dependencies=[requires("chat"), limited_by_person("chat")])
_HUNG_UP = 499
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The model's answer, as the upstream gave it; with `stream` its chunks",
        "content": {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {}},
    }
}


@router.get("/models", summary="The models one may name")
async def list_models(user: CurrentUser, completions: Completions) -> OpenAIModelsView:
    names = await completions.models(user.person.role)
    return OpenAIModelsView(data=[OpenAIModelView(id=name) for name in names])


@router.get("/models/{model:path}", summary="One of them")
async def show_model(model: str, user: CurrentUser, completions: Completions) -> OpenAIModelView:
    if model not in await completions.models(user.person.role):
        raise NoSuchModel(model=model)
    return OpenAIModelView(id=model)


@router.post("/chat/completions", responses=_ANSWERS, response_class=StreamingResponse, summary="Ask a model")
async def complete(
    body: ChatCompletion, user: CurrentUser, completions: Completions, app: App, request: Request
) -> Response:
    """What OpenAI's clients send; tools, images and whatever else is passed on. Nothing is stored but the usage.

    Whoever hangs up stops the model, and is billed for what it has produced.
    """
    asked = body.passed_on()
    if body.stream:
        frames, standing = await completions.stream(user.person, asked)
        # Nobody can take up such an answer elsewhere, so a server that stops lets it come to its end.
        return FrameStream(frames, asyncio.Event(), quota_headers(standing, app))
    return await _whole(request, app, completions.whole(user.person, "chat/completions", asked))


@router.post("/embeddings", responses=_ANSWERS, response_class=Response, summary="Embed texts")
async def embed(body: Embeddings, user: CurrentUser, completions: Completions, app: App, request: Request) -> Response:
    return await _whole(request, app, completions.whole(user.person, "embeddings", body.passed_on()))


async def _whole(request: Request, app: App, work: Any) -> Response:
    try:
        data, standing = await unless_gone(request, work)
    except ClientGone:
        return Response(status_code=_HUNG_UP)
    return Response(data, media_type="application/json", headers=quota_headers(standing, app))
