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
        print(message.as_string(), file=self._out, flush=True)

    async def close(self) -> None:
        return None
