import pytest

from madang.subtitles.document import Cue
from madang.subtitles.lint import lint
from madang.subtitles.profiles import NETFLIX_GENERAL, NETFLIX_KOREAN, Profile


def _rules(cue: Cue, following: Cue | None = None, profile: Profile = NETFLIX_GENERAL) -> dict[str, object]:
    return {finding.rule: (finding.value, finding.limit) for finding in lint(cue, following, profile)}


def _cue(*lines: str, start: float = 0, end: float = 3) -> Cue:
    return Cue(id="c1", start=start, end=end, text=" ".join(lines), lines=lines)


def test_a_good_cue_has_no_findings() -> None:
    assert _rules(_cue("Good morning,", "everyone."), _cue("Hi", start=3.1, end=5)) == {}


def test_a_long_line_is_found() -> None:
    assert _rules(_cue("x" * 43)) == {"characters-per-line": (43, 42)}


def test_a_third_line_is_found() -> None:
    assert _rules(_cue("a", "b", "c")) == {"lines": (3, 2)}


def test_fast_text_is_found() -> None:
    assert _rules(_cue("x" * 42, end=2)) == {"characters-per-second": (21, 20)}


def test_a_short_cue_is_found() -> None:
    assert _rules(_cue("a", end=0.5)) == {"minimum-duration": (0.5, pytest.approx(0.833))}


def test_a_long_cue_is_found() -> None:
    assert _rules(_cue("a", end=7.5)) == {"maximum-duration": (7.5, 7)}


@pytest.mark.parametrize(("start", "gap"), [(3.05, 0.05), (3.0, 0.0), (2.5, -0.5)])
def test_a_narrow_gap_or_an_overlap_is_found(start: float, gap: float) -> None:
    assert _rules(_cue("a"), _cue("b", start=start, end=5)) == {"gap": (gap, pytest.approx(0.083))}


def test_rounding_to_milliseconds_is_no_finding() -> None:
    assert _rules(_cue("a", end=0.833), _cue("b", start=0.916, end=2)) == {}


def test_korean_counts_its_own_way() -> None:
    assert _rules(_cue("가" * 15 + "ab"), profile=NETFLIX_KOREAN) == {}
    assert _rules(_cue("가" * 16 + "a"), profile=NETFLIX_KOREAN) == {"characters-per-line": (16.5, 16)}
    assert _rules(_cue("가" * 13, end=1), profile=NETFLIX_KOREAN) == {"characters-per-second": (13, 12)}
