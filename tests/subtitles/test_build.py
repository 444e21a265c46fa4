import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.subtitles.build import build_document
from madang.subtitles.document import Document, Finding, Speaker, Spread, Word
from madang.subtitles.errors import UnknownProfile
from tests.subtitles.words import ENGINE, document, say, spoken, word


def test_a_document_begins_at_revision_one_and_names_its_engine() -> None:
    made = document(say("Hello there."))
    assert (made.version, made.revision, made.language, made.engine, made.reason) == (1, 1, "en", ENGINE, None)


def test_speakers_stand_in_order_of_appearance() -> None:
    made = document(
        [*say("Hi.", speaker="B"), *say("Hey.", 2, speaker="A"), *say("Who?", 4), *say("Me.", 6, speaker="B")]
    )
    assert made.speakers == (Speaker(id="B"), Speaker(id="A"))
    assert [cue.speaker for cue in made.cues] == ["B", "A", None, "B"]


def test_language_chooses_the_profile() -> None:
    words = say("읽기 어려운 자막은 자막이 없는 것보다 나쁘다", each=0.6)
    (korean,), (general,) = document(words, "ko").cues, document(words, "en").cues
    assert len(korean.lines) == 2
    assert len(general.lines) == 1


def test_a_named_profile_wins_over_the_language() -> None:
    text = "읽기 어려운 자막은 자막이 없는 것보다 나쁘다"
    assert document(say(text), "ko", "netflix-general").cues == document(say(text), "en").cues


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UnknownProfile, match="netflix-korean"):
        document(say("Hi."), profile="vhs")


def test_silent_media_make_an_empty_document_with_its_reason() -> None:
    made = document([])
    assert (made.cues, made.speakers, made.reason) == ((), (), "no-audio")
    assert made.statistics.loudness == Spread(min=None, median=None, max=None, count=0)


def test_statistics_follow_the_words() -> None:
    quiet = document([word("a", 0, loudness=-6, pitch=110), word("b", 1, loudness=-2, pitch=150), word("c", 2)])
    loud = document(
        [word("a", 0, loudness=1, pitch=210), word("b", 1, loudness=4, pitch=230), word("c", 2, loudness=9)]
    )
    assert quiet.statistics.loudness == Spread(min=-6, median=-4, max=-2, count=2)
    assert loud.statistics.loudness == Spread(min=1, median=4, max=9, count=3)
    assert quiet.statistics.pitch == Spread(min=110, median=130, max=150, count=2)
    assert loud.statistics.pitch == Spread(min=210, median=220, max=230, count=2)


@given(st.lists(st.floats(-60, 20), min_size=1, max_size=20))
def test_no_statistic_is_a_constant(levels: list[float]) -> None:
    spread = document([word("a", index, loudness=level) for index, level in enumerate(levels)]).statistics.loudness
    assert (spread.min, spread.max, spread.count) == (min(levels), max(levels), len(levels))


def test_a_blank_word_becomes_a_finding() -> None:
    loop = Finding(code="loop", start=0, end=2, detail="The engine repeated itself.")
    made = build_document(
        [word("\n", 3, 4), *say("Hi.")], language="en", duration=9, engine=ENGINE, reason=None, findings=[loop]
    )
    assert [(finding.code, finding.start, finding.end) for finding in made.findings] == [
        ("loop", 0, 2),
        ("blank-word", 3, 4),
    ]
    assert [cue.text for cue in made.cues] == ["Hi."]


@given(spoken())
def test_the_document_survives_json(words: list[Word]) -> None:
    made = document(words)
    assert Document.model_validate_json(made.model_dump_json()) == made
