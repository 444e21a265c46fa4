"""Who is calling, as every room may know them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from madang.kit.scopes import reach


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
    @property
    def permissions(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """A person, and what the credential that came reaches of theirs."""

    person: Person
    scopes: frozenset[str]

    @property
    def id(self) -> UUID:
        return self.person.id

    @property
    def reach(self) -> frozenset[str]:
        """What the person's role reaches, whatever the credential."""
        return reach(self.person.permissions)


@dataclass(frozen=True, slots=True)
class SessionCaller(Caller):
    """A person who signed in, rather than a program of theirs; `actor_id` is somebody else who acts for them."""

    session_id: UUID
    authenticated_at: datetime
    actor_id: UUID | None = None
