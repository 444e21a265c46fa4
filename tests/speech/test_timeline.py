"""Time stamps to silence: believed within reason."""

from madang.speech.timeline import Timeline


def timeline(horizon: float | None = 60.0) -> tuple[Timeline, list[tuple[str, float, str]]]:
    """A timeline and the list its reports go to."""
    reports: list[tuple[str, float, str]] = []
    return Timeline(lambda *report: reports.append(report), horizon), reports


def test_late_first_frame_is_preceded_by_silence() -> None:
    line, reports = timeline()
    assert line.gap(1.5) == 1.5
    assert not reports


def test_rounding_of_time_stamps_is_ignored() -> None:
    line, _ = timeline()
    line.advance(1.0)
    assert [line.gap(time) for time in (0.95, 1.0, 1.05, None)] == [0.0] * 4


def test_overlapping_frame_is_dropped() -> None:
    line, reports = timeline()
    line.advance(2.0)
    assert line.gap(1.5) is None
    assert not reports


def test_forged_jump_is_reported_and_not_filled() -> None:
    for horizon, stamp in ((60.0, 1e9), (None, 3600.0), (60.0, -500.0)):
        line, reports = timeline(horizon)
        line.advance(2.0)
        assert line.gap(stamp) == 0.0
        line.advance(0.02)
        assert line.gap(stamp + 0.02) == 0.0
        assert [report[:2] for report in reports] == [("timestamp-jump", 2.0)]
