import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from madang.subtitles.document import Cue, Document, Word
from tests.subtitles.words import document, say, word

Json = dict[str, Any]  # the shape under test is JSON, whose values have any type


def _as_json(**changes: object) -> Json:
    return word("hi", 1.0, 2.0, speaker="A", loudness=3.0, pitch=180.0).model_dump() | changes


@pytest.mark.parametrize("field", ["loudness_db", "loudness_dbfs", "pitch_hz", "speaker"])
def test_a_measured_value_cannot_be_null(field: str) -> None:
    with pytest.raises(ValidationError, match=f"{field} must be null exactly when"):
        Word.model_validate(_as_json(**{field: None}))


@pytest.mark.parametrize("mark", ["loudness", "pitch", "speaker"])
def test_a_missing_value_cannot_be_given(mark: str) -> None:
    marks = {"time": "measured", "loudness": "measured", "pitch": "measured", "speaker": "estimated"}
    with pytest.raises(ValidationError, match="must be null exactly when"):
        Word.model_validate(_as_json(marks=marks | {mark: "missing"}))


def test_a_word_cannot_miss_its_time() -> None:
    marks = {"time": "missing", "loudness": "measured", "pitch": "measured", "speaker": "estimated"}
    with pytest.raises(ValidationError, match="a word always has a time"):
        Word.model_validate(_as_json(marks=marks))


@pytest.mark.parametrize("start", [2.0, 3.0, -0.1, math.nan, math.inf, 2e9])
def test_a_word_starts_before_it_ends_at_a_finite_time(start: float) -> None:
    with pytest.raises(ValidationError):
        Word.model_validate(_as_json(start=start, end=2.0))


@pytest.mark.parametrize("end", [1.0, 0.5, math.inf, math.nan])
def test_a_cue_starts_before_it_ends_at_a_finite_time(end: float) -> None:
    with pytest.raises(ValidationError):
        Cue(id="c1", start=1.0, end=end, text="a", lines=("a",))


@pytest.mark.parametrize("identifier", ["", "NOTE", "a b", "-->", "c\n1"])
def test_a_cue_id_is_safe_in_every_format(identifier: str) -> None:
    with pytest.raises(ValidationError):
        Cue(id=identifier, start=0, end=1, text="a", lines=("a",))


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Word.model_validate(_as_json(volume=1))


def test_text_is_cleaned_where_it_enters() -> None:
    cue = Cue(id="c1", start=0, end=1, text=" a\n\x00 ", lines=(" a\n\x00 ",))
    assert cue.text == "a \ufffd"
    assert cue.lines == ("a \ufffd",)


def test_a_cue_without_text_is_refused() -> None:
    with pytest.raises(ValidationError):
        Cue(id="c1", start=0, end=1, text=" ", lines=("a",))


def _two_cues() -> Json:
    return document([*say("One.", speaker="A"), *say("Two.", 5, speaker="B")]).model_dump(mode="json")


def test_ids_are_unique() -> None:
    changed = _two_cues()
    changed["cues"][1]["id"] = "c1"
    with pytest.raises(ValidationError, match="every cue needs an id of its own"):
        Document.model_validate(changed)


def test_cues_name_only_listed_speakers() -> None:
    changed = _two_cues()
    del changed["speakers"][1]
    with pytest.raises(ValidationError, match="not listed: B"):
        Document.model_validate(changed)


def test_cues_stand_in_order() -> None:
    changed = _two_cues()
    changed["cues"].reverse()
    with pytest.raises(ValidationError, match="c1 starts before c2"):
        Document.model_validate(changed)


@given(st.floats())
def test_no_measure_is_ever_nan_or_infinite(value: float) -> None:
    if math.isfinite(value):
        assert Word.model_validate(_as_json(loudness_db=value)).loudness_db == value
    else:
        with pytest.raises(ValidationError):
            Word.model_validate(_as_json(loudness_db=value))
