"""What the subtitles library refuses.

Refusal
├── UnknownProfile   no set of limits has this name
└── UnknownFormat    no export writes this format
"""

from collections.abc import Iterable
from typing import ClassVar


class Refusal(Exception):
    """Base of every error raised on purpose; `code` is stable and safe to show to a client."""

    code: ClassVar[str] = "subtitles-refused"


class UnknownProfile(Refusal):
    """The profile asked for does not exist."""

    code = "unknown-profile"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"There is no caption profile {name!r}. Choose one of: {', '.join(self.known)}.")


class UnknownFormat(Refusal):
    """The export format asked for does not exist."""

    code = "unknown-format"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"There is no caption format {name!r}. Choose one of: {', '.join(self.known)}.")
