"""Conversations, their messages, and the models on offer."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from madang.chat.deps import Asking, Chat, ChatReading, Language, Runs
from madang.chat.run_router import stream
from madang.chat.schemas import (
    Again,
    AskedView,
    ConversationPatch,
    ConversationView,
    MessageView,
    ModelsView,
    ModelView,
    NewConversation,
    NewMessage,
)
from madang.chat.service import asked_view
from madang.chat.usage_router import quota_headers
from madang.http.caller import CurrentUser, requires
from madang.http.limits import limited_by_person
from madang.http.paging import FeedQuery, Page, cut
from madang.http.state import App

router = APIRouter(prefix="/api/v1/chat", tags=["chat"], dependencies=[requires("chat"), limited_by_person("chat")])
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "With `Accept: text/event-stream`: the run's events", "content": {"text/event-stream": {}}}
}


@router.post("/conversations", status_code=201, summary="Begin a conversation")
async def begin(body: NewConversation, user: CurrentUser, chat: Chat, response: Response) -> ConversationView:
    conversation = await chat.begin(user.id, body)
    response.headers["Location"] = f"{router.prefix}/conversations/{conversation.id}"
    return ConversationView.model_validate(conversation)


@router.get("/conversations", summary="One's own conversations, the newest first")
async def list_conversations(
    feed: FeedQuery, user: CurrentUser, chat: ChatReading, *, archived: bool = False, pinned: bool | None = None
) -> Page[ConversationView]:
    """Archived ones are listed when asked for."""
    rows = await chat.conversations(user.id, feed.after, feed.fetch, archived=archived, pinned=pinned)
    page, cursor = cut(rows, [row.id for row in rows], feed)
    return Page(items=[ConversationView.model_validate(row) for row in page], next_cursor=cursor)


@router.get("/conversations/{conversation_id}", summary="One conversation")
async def show(conversation_id: UUID, user: CurrentUser, chat: ChatReading) -> ConversationView:
    return ConversationView.model_validate(await chat.conversation(user.id, conversation_id))


@router.patch("/conversations/{conversation_id}", summary="Change the title, the prompt, or where it is shown")
async def change(conversation_id: UUID, body: ConversationPatch, user: CurrentUser, chat: Chat) -> ConversationView:
    return ConversationView.model_validate(await chat.change(user.id, conversation_id, body))


@router.delete("/conversations/{conversation_id}", status_code=204, summary="Delete it with everything said in it")
async def delete(conversation_id: UUID, user: CurrentUser, chat: Chat) -> None:
    await chat.delete(user.id, conversation_id)


@router.get("/conversations/{conversation_id}/messages", summary="The messages, the oldest first")
async def list_messages(
    conversation_id: UUID, feed: FeedQuery, user: CurrentUser, chat: ChatReading
) -> Page[MessageView]:
    rows = await chat.messages(user.id, conversation_id, feed.after, feed.fetch)
    page, cursor = cut(rows, [row.id for row in rows], feed)
    return Page(items=[MessageView.model_validate(row) for row in page], next_cursor=cursor)


@router.post(
    "/conversations/{conversation_id}/messages",
    status_code=202,
    response_model=AskedView,
    responses=_STREAM,
    summary="Ask; the answer starts at once",
)
async def ask(
    conversation_id: UUID,
    body: NewMessage,
    user: CurrentUser,
    asking: Asking,
    runs: Runs,
    app: App,
    language: Language,
    request: Request,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Any:  # the view or, where the client asks for it, the stream
    asked = await asking.ask(user.person, conversation_id, body, idempotency_key)
    headers = {"Location": f"{router.prefix}/runs/{asked.run.id}", **quota_headers(asked.standing, app)}
    if "text/event-stream" in request.headers.get("accept", ""):
        return stream(runs.follow(asked.run.id, None, language), app, headers)
    response.headers.update(headers)
    return asked_view(asked.message, asked.run, language)


@router.post("/messages/{message_id}/regenerate", status_code=202, summary="Answer once more, beside the former answer")
async def regenerate(
    message_id: UUID,
    user: CurrentUser,
    asking: Asking,
    language: Language,
    app: App,
    response: Response,
    body: Again | None = None,
    idempotency_key: IdempotencyKey = None,
) -> AskedView:
    """For an answer, or for a question that has none yet or a failed one. `message` is the new answer."""
    asked = await asking.ask_again(user.person, message_id, body or Again(), idempotency_key)
    response.headers.update({"Location": f"{router.prefix}/runs/{asked.run.id}", **quota_headers(asked.standing, app)})
    return asked_view(asked.message, asked.run, language)


@router.get("/models", summary="The models one may name")
async def list_models(user: CurrentUser, asking: Asking) -> ModelsView:
    names = await asking.models(user.person.role)
    return ModelsView(items=[ModelView(id=name, is_default=number == 0) for number, name in enumerate(names)])
