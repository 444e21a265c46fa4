"""What the settings say of a server of models."""

from typing import Annotated, Any

from pydantic import BaseModel, SecretStr, field_validator
from pydantic_settings import NoDecode


class UpstreamSettings(BaseModel):
    """`models` and `roles` are comma lists, absent for all; the lowest `order` is asked first."""

    url: str
    api_key: SecretStr = SecretStr("")
    model: str = ""
    models: Annotated[list[str], NoDecode] = []
    roles: Annotated[list[str], NoDecode] = []
    order: int = 100

    @field_validator("models", "roles", mode="before")
    @classmethod
    def _comma_list(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
