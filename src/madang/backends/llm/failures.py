"""What the ways in which an OpenAI-compatible server fails mean to our caller."""

import time
from contextlib import suppress
from email.utils import parsedate_to_datetime

import httpx2
from openai import APIConnectionError, APIError, APITimeoutError

from madang.backends.llm.base import (
    AnswerTooLong,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
)
from madang.backends.llm.capped_client import TooManyBytes
from madang.backends.llm.retries import Transient
from madang.kit.problems import Problem

# What reading a stream of another's making can raise: cut lines, JSON that is none, JSON of another shape.
BROKEN = (APIError, httpx2.HTTPError, httpx2.StreamError, ValueError, TypeError, AttributeError, LookupError)
_TOO_MANY = 429
_PASSING = frozenset({408, 409, 425, 500, 502, 503, 504, 529})
# A conversation that is too long, say.
_OUR_FAULT = frozenset({400, 413, 422})


def refusal(status: int, retry_after: str | None) -> Problem | Transient:
    """Of an error status; an upstream's 401 is our fault, not the caller's."""
    if status == _TOO_MANY:
        wait = _seconds(retry_after)
        return Transient(UpstreamBusy(retry_after=wait or 1), wait)
    if status in _PASSING:
        return Transient(UpstreamFailed(), _seconds(retry_after))
    return UpstreamRefused() if status in _OUR_FAULT else UpstreamFailed()


def failure(error: Exception, *, has_begun: bool) -> Problem | Transient:
    if isinstance(error, TooManyBytes) or isinstance(error.__cause__, TooManyBytes):
        return AnswerTooLong()
    if isinstance(error, TimeoutError | APITimeoutError | httpx2.TimeoutException):
        return UpstreamTimeout()
    if has_begun:
        return UpstreamBroken()
    is_absent = isinstance(error, APIConnectionError | httpx2.TransportError)
    return Transient(UpstreamFailed()) if is_absent else UpstreamFailed()


def _seconds(header: str | None) -> float | None:
    """Seconds, or a date (RFC 9110 §10.2.3)."""
    with suppress(ValueError):
        return max(0.0, float(header or ""))
    with suppress(ValueError, TypeError):
        return max(0.0, parsedate_to_datetime(header or "").timestamp() - time.time())
    return None
