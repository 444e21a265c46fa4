"""Who is calling, as every room may know them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Person(Protocol):
    """The account's public side."""

    @property
    def id(self) -> UUID: ...
    @property
    def account_id(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...
    @property
    def role(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person, the session they came through, and what the credential reaches."""

    person: Person
    session_id: UUID
    scopes: frozenset[str]
    authenticated_at: datetime

    @property
    def id(self) -> UUID:
        return self.person.id
