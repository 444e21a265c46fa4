"""Whether an upstream is worth asking: after failures in a row it is left alone for a while, then asked by one; a model
of which it is busy is left alone for as long as it says."""

from datetime import datetime, timedelta

from madang.backends.llm.base import UpstreamBusy
from madang.kit.clock import Clock, utc_now
from madang.kit.problems import Problem

FAILURES = 3
_FIRST_REST = timedelta(seconds=15)
_LONGEST_REST = timedelta(minutes=5)


class Circuit:
    """Of one upstream, in one process. Closed, it lets everybody through; open, nobody; then one, on trial."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._rest = _FIRST_REST
        self._is_on_trial = False
        self._busy: dict[str, datetime] = {}
        self.failures = 0
        self.rests_until: datetime | None = None
        self.last_error: str | None = None
        self.last_failed_at: datetime | None = None
        self.last_answered_at: datetime | None = None

    @property
    def state(self) -> str:
        if self.rests_until is None:
            return "closed"
        return "open" if self._clock() < self.rests_until else "half-open"

    def seconds_left(self, model: str) -> float:
        """Until somebody may ask again for that model."""
        now = self._clock()
        waits = [until - now for until in (self.rests_until, self._busy.get(model)) if until is not None]
        return max([0.0, *(wait.total_seconds() for wait in waits)])

    def lets_through(self, model: str) -> bool:
        """Whether this call may ask; whoever is let through while it is half-open is the trial."""
        if self._busy.get(model, self._clock()) > self._clock():
            return False
        if self.state == "closed":
            return True
        if self.state == "open" or self._is_on_trial:
            return False
        self._is_on_trial = True
        return True

    def note_answer(self) -> None:
        self._is_on_trial = False
        self.failures, self.rests_until, self._rest = 0, None, _FIRST_REST
        self.last_answered_at = self._clock()

    def note_failure(self, problem: Problem, model: str) -> None:
        was_on_trial, self._is_on_trial = self._is_on_trial, False
        self.last_error, self.last_failed_at = problem.code, self._clock()
        if isinstance(problem, UpstreamBusy):
            wait = min(timedelta(seconds=problem.retry_after or 1), _LONGEST_REST)
            self._busy = {name: until for name, until in self._busy.items() if until > self._clock()}
            self._busy[model] = self._clock() + wait
            return
        self.failures += 1
        if was_on_trial or self.failures >= FAILURES:
            self.rests_until = self._clock() + self._rest
            self._rest = min(2 * self._rest, _LONGEST_REST)

    def note_leaving(self) -> None:
        """Whoever asked has left before the end, which says nothing of the upstream; the next one is the trial."""
        self._is_on_trial = False
