"""The two bases of every request and response."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """What a client sends: an unknown field is refused, never ignored."""

    model_config = ConfigDict(extra="forbid")


class View(BaseModel):
    """What a client reads, built from a model's attributes."""

    model_config = ConfigDict(from_attributes=True)
