"""Conversations as files: our own, which loses nothing, and the one that ChatGPT exports."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from madang.chat.schemas import MAX_CONTENT, MAX_PROMPT, MAX_TITLE
from madang.kit.schemas import View, WithoutNul

MOST_CONVERSATIONS = 1000
MOST_MESSAGES = 10_000
Moment = Annotated[datetime, Field(default_factory=lambda: datetime.now(UTC))]


class FiledUsage(BaseModel):
    prompt_tokens: int = Field(ge=0, le=2**31 - 1)
    completion_tokens: int = Field(ge=0, le=2**31 - 1)


class FiledMessage(BaseModel):
    """`id` and `parent_id` mean something within the file alone."""

    model_config = ConfigDict(from_attributes=True)
    id: Annotated[str, Field(max_length=100)]
    parent_id: Annotated[str | None, Field(max_length=100)] = None
    role: Literal["user", "assistant", "system"]
    content: Annotated[str, Field(max_length=MAX_CONTENT), WithoutNul]
    model: Annotated[str | None, Field(max_length=200), WithoutNul] = None
    status: Literal["complete", "failed", "interrupted", "cancelled"] = "complete"
    usage: FiledUsage | None = None
    created_at: Moment


class FiledConversation(BaseModel):
    title: Annotated[str | None, Field(max_length=MAX_TITLE), WithoutNul] = None
    system_prompt: Annotated[str | None, Field(max_length=MAX_PROMPT), WithoutNul] = None
    pinned: bool = False
    archived: bool = False
    created_at: Moment
    updated_at: Moment
    messages: list[FiledMessage] = Field(max_length=MOST_MESSAGES)

    @model_validator(mode="after")
    def _is_a_tree(self) -> Self:
        """Each id once, and a parent before its children: so no message is its own ancestor."""
        known: set[str] = set()
        for message in self.messages:
            if message.id in known:
                raise ValueError(f"the message id {message.id} stands twice")
            if message.parent_id is not None and message.parent_id not in known:
                raise ValueError(f"the parent of {message.id} does not stand before it")
            known.add(message.id)
        return self


class ConversationFile(BaseModel):
    format: Literal["madang.chat/1"] = "madang.chat/1"
    conversations: list[FiledConversation]


class ImportedFile(BaseModel):
    """An export of ours, or the list that ChatGPT's `conversations.json` is; each conversation is looked at alone."""

    conversations: list[dict[str, Any]] = Field(max_length=MOST_CONVERSATIONS)

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_list(cls, value: Any) -> Any:
        return {"conversations": value} if isinstance(value, list) else value


class Skipped(View):
    index: int
    reason: str


class ImportView(View):
    conversations: int
    messages: int
    skipped: list[Skipped]


def from_chatgpt(exported: dict[str, Any]) -> dict[str, Any]:
    """Its tree of nodes in our shape, the branch that was open last of all.

    What is no text, and what tools said, is left out; what follows it moves up.
    """
    nodes, messages = exported["mapping"], list[dict[str, Any]]()
    open_branch, seen = _branch_to(exported.get("current_node"), nodes), set[str]()
    waiting: list[tuple[str, str | None]] = [(name, None) for name, node in nodes.items() if not node.get("parent")]
    while waiting:
        name, parent = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if filed := _filed(name, parent, nodes[name].get("message") or {}):
            messages.append(filed)
            parent = name
        children = sorted(nodes[name].get("children") or [], key=open_branch.__contains__)
        waiting += [(child, parent) for child in reversed(children) if child in nodes]
    times = _moment("created_at", exported.get("create_time")) | _moment("updated_at", exported.get("update_time"))
    title = str(exported.get("title") or "")[:MAX_TITLE] or None
    return {"title": title, "archived": bool(exported.get("is_archived")), "messages": messages} | times


def _branch_to(name: str | None, nodes: dict[str, Any]) -> set[str]:
    branch: set[str] = set()
    while name in nodes and name not in branch:
        branch.add(name)
        name = nodes[name].get("parent")
    return branch


def _filed(name: str, parent: str | None, message: dict[str, Any]) -> dict[str, Any] | None:
    role, text = (message.get("author") or {}).get("role"), _text_of(message)
    if role not in {"user", "assistant"} or not text:
        return None
    model = (message.get("metadata") or {}).get("model_slug")
    filed = {"id": name, "parent_id": parent, "role": role, "content": text, "model": model}
    return filed | _moment("created_at", message.get("create_time"))


def _text_of(message: dict[str, Any]) -> str:
    content = message.get("content") or {}
    parts = content.get("parts") or []
    return "\n".join(part for part in parts if isinstance(part, str)).replace("\0", "").strip()


def _moment(name: str, seconds: Any) -> dict[str, Any]:
    return {name: datetime.fromtimestamp(float(seconds), UTC)} if seconds else {}
