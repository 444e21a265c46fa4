"""Requests and responses of captions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from madang.kit.schemas import Body, View

Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,3}$", max_length=35)]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class NewCaption(Body):
    media_id: UUID
    language: LanguageTag | None = Field(None, description="BCP 47 tag of what is spoken; the engine's own by default")
    engine: Name | None = Field(None, description="the recogniser; the first installed one by default")
    profile: Name | None = Field(None, description="the style guide lines are cut by; chosen by language by default")


class EngineView(View):
    name: str
    version: str
    model: str


class FailureView(View):
    code: str
    detail: str


class CaptionView(View):
    id: UUID
    media_id: UUID
    state: State
    stage: str | None
    progress: int = Field(ge=0, le=100)
    error: FailureView | None
    reason: str | None = Field(description="why a success is empty: `no-audio` or `no-speech`")
    engine: EngineView
    language: str
    profile: str | None
    cached: bool = Field(description="answered from the stored result of the same content and settings")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ProgressView(View):
    state: State
    stage: str | None
    progress: int = Field(ge=0, le=100)
