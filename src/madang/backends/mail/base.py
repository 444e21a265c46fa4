"""What the mail port promises."""

from email.message import EmailMessage
from typing import Protocol


class MailRefused(Exception):
    """The server will never take this message (a 5xx answer of RFC 5321): sending it again is pointless."""


class MailUnavailable(Exception):
    """The server can't be reached, or does not let us in."""


class Mail(Protocol):
    async def send(self, message: EmailMessage) -> None:
        """Return once the next server has taken the message; raise `MailRefused`, or anything else to try again."""

    async def check(self) -> None:
        """Raise `MailUnavailable` unless the server would listen to us now."""

    async def close(self) -> None: ...
