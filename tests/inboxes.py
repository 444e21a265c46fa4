"""What people find in their mail: a real SMTP server in a process of its own, and its letters."""

import asyncio
import email.policy
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path


@dataclass(frozen=True)
class Letter:
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    @property
    def code(self) -> str:
        """The code to type."""
        found = re.search(r"^[A-Z2-9]{10}$", self.text, re.MULTILINE)
        assert found, self.text
        return found.group()

    @property
    def link(self) -> str:
        found = re.search(r"https?://\S+", self.text)
        assert found, self.text
        return found.group()

    @property
    def token(self) -> str:
        """What the page behind the link sends."""
        return self.link.partition("#code=")[2]

    def _part(self, kind: str) -> str:
        body = self.message.get_body((kind,))
        assert body is not None
        content: str = body.get_content()
        return content


class Inbox:
    """All letters that the server has taken, in their order."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.port = port
        self.url = f"smtp://127.0.0.1:{port}"

    def letters(self, to: str | None = None) -> list[Letter]:
        read = [_read(path) for path in sorted(self._folder.glob("[0-9]*.eml"))]
        return [Letter(message) for message in read if to is None or message["To"] == to]

    async def wait(self, to: str, count: int = 1, subject: str = "") -> Letter:
        """The last of that many letters to an address."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            found = [letter for letter in self.letters(to) if subject in letter.subject]
            if len(found) >= count:
                assert len(found) == count, [letter.subject for letter in found]
                return found[-1]
            await asyncio.sleep(0.02)
        raise AssertionError(f"no letter; there are {[(one.message['To'], one.subject) for one in self.letters()]}")


def _read(path: Path) -> EmailMessage:
    with path.open("rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@contextmanager
def mail_server(folder: Path, *options: str) -> Iterator[Inbox]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-W", "ignore", "-m", "tests.peers.smtp_server", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Inbox(folder, int(process.stdout.readline()))
        finally:
            process.kill()
