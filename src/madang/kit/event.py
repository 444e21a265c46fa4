"""The base of every published fact."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """A fact in the past tense: ids only, never secrets. `name` is its wire name, `feature.fact.v1`."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: ClassVar[str]
