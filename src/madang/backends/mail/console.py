"""The embedded mail: prints each message where the server was started."""

import sys
from email.message import EmailMessage
from typing import TextIO

from madang.kit.unit_guard import forbid_in_unit


class ConsoleMail:
    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr

    async def send(self, message: EmailMessage) -> None:
        forbid_in_unit("sending mail")
        print(_readable(message), file=self._out, flush=True)

    async def check(self) -> None:
        return None

    async def close(self) -> None:
        return None


def _readable(message: EmailMessage) -> str:
    """On the wire a text beyond ASCII is base64, and nobody could copy a code out of that."""
    headers = "\n".join(f"{name}: {value}" for name, value in message.items())
    body = message.get_body(("plain", "html"))
    return f"{headers}\n\n{body.get_content() if body and body.get_payload() else ''}"
