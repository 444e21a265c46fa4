"""The two bases of every request and response."""

from typing import Any

from pydantic import AfterValidator, BaseModel, ConfigDict, field_validator
from pydantic_core import PydanticCustomError


def without_nul(value: Any) -> Any:
    """Refuse U+0000, at any depth: PostgreSQL stores no such text, and no person types it."""
    texts = [value]
    while texts:
        one = texts.pop()
        if isinstance(one, str) and "\0" in one:
            raise PydanticCustomError("nul_character", "must not contain the character U+0000")
        if isinstance(one, list | dict):
            texts += [*one.values(), *one] if isinstance(one, dict) else one
    return value


WithoutNul = AfterValidator(without_nul)


class Body(BaseModel):
    """What a client sends: an unknown field is refused, never ignored."""

    model_config = ConfigDict(extra="forbid")

    _text_that_can_be_stored = field_validator("*", mode="before")(without_nul)


class View(BaseModel):
    """What a client reads, built from a model's attributes."""

    model_config = ConfigDict(from_attributes=True)
