"""A server that may be away: told once, tried again by one call a second, and everybody else goes without it."""

import time

import structlog

log = structlog.get_logger("madang.cache")
_RETRY_SECONDS = 1.0


class Outage:
    def __init__(self) -> None:
        self._retry_at: float | None = None

    def goes_without(self) -> bool:
        """Whether this call should not even try; while the server is away, one call a second may."""
        if self._retry_at is None:
            return False
        now = time.monotonic()
        if now < self._retry_at:
            return True
        self._retry_at = now + _RETRY_SECONDS
        return False

    def note_failure(self, error: Exception) -> None:
        if self._retry_at is None:
            log.warning("the cache does not answer; going on without it", error=f"{type(error).__name__}: {error}")
        self._retry_at = time.monotonic() + _RETRY_SECONDS

    def note_success(self) -> None:
        if self._retry_at is not None:
            log.warning("the cache answers again")
        self._retry_at = None
