"""What the mail port promises."""

from email.message import EmailMessage
from typing import Protocol


class Mail(Protocol):
    async def send(self, message: EmailMessage) -> None:
        """Return once the next server has taken the message; raise otherwise."""

    async def close(self) -> None: ...
