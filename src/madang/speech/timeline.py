"""Where decoded frames lie on the media's own timeline."""

from collections.abc import Callable
from dataclasses import dataclass

TOLERANCE = 0.1
"""Seconds a time stamp may differ from the running clock; containers round to milliseconds and codecs to frames."""
OVERLAP = 1.0
"""Seconds of overlap that are dropped; a longer step back is a broken time stamp."""
UNDECLARED_GAP = 60.0
"""Seconds of gap believed where the container declares no end."""

Report = Callable[[str, float, str], None]


@dataclass(slots=True)
class Timeline:
    """Turns time stamps into `silence to insert` or `drop this frame`.

    Zero is the start of the container, as players show it: its earliest stream, wherever its time stamps begin.
    A jump beyond the declared end (`horizon`, seconds) is not believed: the audio goes on without a gap and the jump
    is reported, so a forged time stamp cannot order hours of silence.
    """

    report: Report
    horizon: float | None
    clock: float = 0.0
    shift: float = 0.0

    def gap(self, time: float | None) -> float | None:
        """Return seconds of silence before a frame stamped `time`; None to drop the frame."""
        if time is None:
            return 0.0
        gap = time + self.shift - self.clock
        if abs(gap) <= TOLERANCE:
            return 0.0
        if -OVERLAP <= gap < 0:
            return None
        return self._jump(gap)

    def advance(self, seconds: float) -> None:
        """Move the clock past audio or silence that was placed."""
        self.clock += seconds

    def _jump(self, gap: float) -> float:
        limit = UNDECLARED_GAP if self.horizon is None else self.horizon + OVERLAP - self.clock
        if 0 < gap <= limit:
            return gap
        self.report("timestamp-jump", self.clock, f"a time stamp jumps by {gap:.1f} s; the audio goes on without it")
        self.shift -= gap
        return 0.0
