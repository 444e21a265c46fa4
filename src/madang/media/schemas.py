"""Requests and responses of media."""

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from madang.kit.schemas import Body, View

PARTS_PER_ANSWER = 100
MAX_PARTS = 10_000
_LONGEST_NAME = 255
_DIRECTION_MARKS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,48}"


def _plain_name(name: str) -> str:
    """The last segment without control and direction characters, which show a name as what it is not."""
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(letter for letter in last if unicodedata.category(letter) != "Cc")
    return _DIRECTION_MARKS.sub("", visible).strip(" .") or "file"


def _essence(media_type: str) -> str:
    """Without parameters: browsers name codecs there, and nothing depends on them."""
    return media_type.partition(";")[0].strip().lower()


FileName = Annotated[str, Field(min_length=1, max_length=_LONGEST_NAME), AfterValidator(_plain_name)]
MediaType = Annotated[
    str, StringConstraints(max_length=200, pattern=rf"^{_NAME}/{_NAME}\s*(;.*)?$"), AfterValidator(_essence)
]
Checksum = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]
PartNumber = Annotated[int, Field(ge=1, le=MAX_PARTS)]


class NewMedia(Body):
    filename: FileName
    content_type: MediaType
    size: int = Field(gt=0, description="bytes")
    sha256: Checksum | None = None


class PartNumbers(Body):
    part_numbers: list[PartNumber] = Field(min_length=1, max_length=PARTS_PER_ANSWER)


class PartReceipt(Body):
    part_number: PartNumber
    etag: str = Field(max_length=200, description="the ETag that the PUT answered, with or without quotes")


class Completion(Body):
    parts: list[PartReceipt] | None = Field(None, max_length=MAX_PARTS)


class PartUpload(View):
    """Where one part of the file goes: its bytes from `offset`, `size` of them, with exactly these headers."""

    part_number: int
    method: str
    url: str
    headers: dict[str, str]
    offset: int
    size: int


class PartUploads(View):
    parts: list[PartUpload]
    expires_at: datetime


class AnnouncedMedia(PartUploads):
    """Where to PUT the file; `parts` are the first ones, more come from POST `…/parts`."""

    id: UUID
    part_size: int


class UploadedPart(View):
    part_number: int
    etag: str
    size: int


class MediaView(View):
    """`content_type` is what the sender announced until the file was read, then what it is."""

    id: UUID
    filename: str
    content_type: str
    size: int
    sha256: str | None = Field(description="computed by us; null until then")
    state: Literal["pending", "ready", "rejected"]
    reason: str | None = Field(description="why it was rejected: a problem's code")
    uploaded_parts: list[UploadedPart] | None = Field(None, description="what has arrived; null in lists")
    created_at: datetime
