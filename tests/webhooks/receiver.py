"""A receiver on a socket: keeps what comes, answers as told, and verifies with the library of the specification."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook as StandardWebhook
from standardwebhooks import WebhookVerificationError


@dataclass(frozen=True)
class Call:
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read

    def is_signed_by(self, secret: str) -> bool:
        """As the specification's own library sees it, age included."""
        try:
            StandardWebhook(secret).verify(self.body.decode(), self.headers)
        except WebhookVerificationError:
            return False
        return True


class Receiver:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.port = port
        self.calls: list[Call] = []
        self.answer: tuple[int, dict[str, str]] = (204, {})

    def events(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.event["type"] == name]


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            running.calls.append(Call({name.lower(): value for name, value in self.headers.items()}, body))
            status, headers = running.answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
