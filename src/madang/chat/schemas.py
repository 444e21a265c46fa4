"""Requests and responses of chat."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, NamedTuple, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from madang.kit.schemas import Body, View

MAX_CONTENT = 200_000
MAX_TITLE = 200
MAX_PROMPT = 20_000
State = Literal["running", "succeeded", "failed", "cancelled", "interrupted"]
Status = Literal["complete", "pending", "failed", "interrupted", "cancelled"]


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold the character U+0000")
    return text


Content = Annotated[str, Field(min_length=1, max_length=MAX_CONTENT), AfterValidator(_without_nul)]
Title = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_TITLE, strip_whitespace=True),
    AfterValidator(_without_nul),
]
ModelName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_without_nul)]


Prompt = Annotated[str, Field(min_length=1, max_length=MAX_PROMPT), AfterValidator(_without_nul)]


class NewConversation(Body):
    title: Title | None = None
    system_prompt: Prompt | None = Field(None, description="said to the model before every answer")
    pinned: bool = False
    temporary: bool = Field(False, description="erased a day after its last word (MADANG_KEEP_TEMPORARY_CHATS)")


class ConversationPatch(Body):
    """What is left out stays; `system_prompt: null` takes it away."""

    title: Title = ""
    system_prompt: Prompt | None = None
    pinned: bool = False
    archived: bool = False


class ConversationView(View):
    id: UUID
    title: str | None
    system_prompt: str | None
    pinned: bool
    archived: bool
    temporary: bool
    created_at: datetime
    updated_at: datetime


class NewMessage(Body):
    """Left out, `parent_id` is the conversation's latest message; `null` starts a new branch from the beginning."""

    content: Content
    model: ModelName | None = None
    parent_id: UUID | None = None


class Again(Body):
    model: ModelName | None = Field(None, description="absent: the model that answered before")


class UsageView(View):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class MessageView(View):
    id: UUID
    conversation_id: UUID
    parent_id: UUID | None
    role: Literal["user", "assistant", "system"]
    content: str
    model: str | None
    run_id: UUID | None
    status: Status
    usage: UsageView | None
    created_at: datetime


class RunError(View):
    code: str
    detail: str


class Timing(View):
    started_at: datetime
    first_delta_at: datetime | None
    finished_at: datetime | None


class RunView(View):
    id: UUID
    conversation_id: UUID
    message_id: UUID
    state: State
    error: RunError | None
    usage: UsageView | None
    timing: Timing


class AskedView(View):
    message: MessageView
    run: RunView


class ModelView(View):
    id: str
    is_default: bool


class ModelsView(View):
    items: list[ModelView]


Period = Literal["hour", "day", "month"]


class NewQuota(Body):
    """`0` closes; absent or null does not limit. Periods are those of UTC."""

    period: Period = "month"
    tokens: int | None = Field(None, ge=0, le=10**15)
    requests: int | None = Field(None, ge=0, le=10**9)

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.tokens is None and self.requests is None:
            raise ValueError("give tokens, requests or both")
        return self


class QuotaView(View):
    """Of one account, or of everybody of a role who has none of their own."""

    id: UUID
    account_id: UUID | None
    role: str | None
    period: Period
    tokens: int | None
    requests: int | None


class LimitView(View):
    """Answers that are being written count with what they are likely to use."""

    limit: int
    used: int
    remaining: int


class StandingView(View):
    period: Period
    ends_at: datetime
    tokens: LimitView | None
    requests: LimitView | None


class UsedView(View):
    requests: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class DayView(UsedView):
    day: date
    model: str


class OwnUsageView(View):
    """`quota` is null where nothing limits."""

    quota: StandingView | None
    items: list[DayView]


PresetName = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]


class NewPreset(Body):
    name: PresetName
    system_prompt: Prompt | None = None
    model: ModelName | None = None


class PresetPatch(Body):
    """What is left out stays."""

    name: PresetName = ""
    system_prompt: Prompt | None = None
    model: ModelName | None = None


class PresetView(View):
    id: UUID
    name: str
    system_prompt: str | None
    model: str | None
    created_at: datetime


class PresetsView(View):
    items: list[PresetView]


class ShareView(View):
    created_at: datetime


class ShareLink(ShareView):
    url: str


class SharedMessage(View):
    id: UUID
    parent_id: UUID | None
    role: Literal["user", "assistant", "system"]
    content: str
    model: str | None
    created_at: datetime


class SharedView(View):
    title: str | None
    shared_at: datetime
    items: list[SharedMessage]
    next_cursor: str | None


class _PassedOn(BaseModel):
    """What is not named here is passed on to the upstream as it is."""

    model_config = ConfigDict(extra="allow")
    model: ModelName

    def passed_on(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


class ChatCompletion(_PassedOn):
    """OpenAI's `POST /v1/chat/completions`."""

    messages: list[dict[str, Any]] = Field(min_length=1)
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    n: int | None = Field(None, ge=1, le=8)


class Embeddings(_PassedOn):
    """OpenAI's `POST /v1/embeddings`."""

    input: str | list[str] | list[int] | list[list[int]]


class OpenAIModelView(View):
    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "madang"


class OpenAIModelsView(View):
    object: Literal["list"] = "list"
    data: list[OpenAIModelView]


class RunEvent(NamedTuple):
    """One event of a run's stream; `id` counts the answer's code points up to and including it."""

    event: Literal["run", "delta", "reset", "done"]
    id: int
    data: BaseModel | dict[str, object]
