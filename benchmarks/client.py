"""A keep-alive HTTP/1.1 client of few instructions: one `asyncio.Protocol` per connection, requests made beforehand.

It reads a status, a content length and a body, which is all that the contestants send.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import urlencode


class Requests:
    """Prepared requests, taken in turn by every connection."""

    def __init__(self, prepared: Iterator[bytes]) -> None:
        self._prepared = prepared

    def next(self) -> bytes:
        return next(self._prepared)

    def answered(self, body: bytes) -> None:
        """Nothing to learn from an answer."""


class Rotation(Requests):
    """One family of refresh tokens: every request carries the newest, every answer brings the next."""

    def __init__(self, path: str, token: str) -> None:
        self._path, self._token = path, token

    def next(self) -> bytes:
        body = json.dumps({"refresh_token": self._token}).encode()
        return post(self._path, body, "application/json")

    def answered(self, body: bytes) -> None:
        self._token = json.loads(body)["refresh_token"]


class Tally:
    """Times in seconds of the answers that came within the window; whatever is not 200 is an error."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.errors = 0
        self.is_open = False

    def note(self, status: bytes, seconds: float) -> None:
        if status != b"200":
            self.errors += 1
        elif self.is_open:
            self.times.append(seconds)

    def summary(self, window: float) -> dict[str, Any]:
        """Requests per second and percentiles in milliseconds."""
        ordered = sorted(self.times)
        return {
            "count": len(ordered),
            "errors": self.errors,
            "rate": len(ordered) / window,
            "p50": percentile(ordered, 0.50) * 1000,
            "p99": percentile(ordered, 0.99) * 1000,
        }


class Connection(asyncio.Protocol):
    """Sends one request at a time; `on_idle` is told when it may be given the next."""

    def __init__(self, requests: Requests, tally: Tally, on_idle: Callable[["Connection"], None]) -> None:
        self._requests, self._tally, self._on_idle = requests, tally, on_idle
        self._buffer = b""
        self._since = 0.0
        self._transport: asyncio.Transport
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.is_lost = True

    def send(self, since: float | None = None) -> None:
        """Send the next request; its time counts from `since`, the moment it was due, or from now."""
        self._since = since or time.perf_counter()
        self._transport.write(self._requests.next())

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.find(b"content-length: ", 0, head) + 16
        if at < 16:
            raise RuntimeError(f"an answer without content-length: {self._buffer[:head]!r}")
        end = head + 4 + int(self._buffer[at : self._buffer.index(b"\r\n", at)])
        if len(self._buffer) < end:
            return
        status, body, self._buffer = self._buffer[9:12], self._buffer[head + 4 : end], self._buffer[end:]
        self._tally.note(status, time.perf_counter() - self._since)
        if status == b"200":
            self._requests.answered(body)
        self._on_idle(self)


def get(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n".encode()


def post(path: str, body: bytes, kind: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def sign_in(path: str, name: str, password: str) -> bytes:
    form = urlencode({"grant_type": "password", "username": name, "password": password})
    return post(path, form.encode(), "application/x-www-form-urlencoded")


def percentile(ordered: list[float], share: float) -> float:
    """Nearest rank; 0 when there is nothing."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
