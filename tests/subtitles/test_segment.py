from itertools import pairwise, zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.subtitles.document import Word
from madang.subtitles.lint import lint
from madang.subtitles.profiles import NETFLIX_GENERAL, NETFLIX_KOREAN, Profile
from madang.subtitles.segment import segment
from tests.subtitles.words import say, spoken, word

profiles = st.sampled_from([NETFLIX_GENERAL, NETFLIX_KOREAN])


def _texts(words: list[Word], profile: Profile = NETFLIX_GENERAL) -> list[str]:
    return [cue.text for cue in segment(words, profile)]


def test_a_new_speaker_begins_a_new_cue() -> None:
    words = [*say("How are you", speaker="A"), *say("fine thanks", 1.1, speaker="B")]
    assert [(cue.speaker, cue.text) for cue in segment(words, NETFLIX_GENERAL)] == [
        ("A", "How are you"),
        ("B", "fine thanks"),
    ]


def test_a_slip_of_the_speaker_detection_does_not_cut_a_sentence() -> None:
    words = [*say("I never", speaker="A"), *say("said", 0.7), *say("that.", 1.05, speaker="A")]
    (cue,) = segment(words, NETFLIX_GENERAL)
    assert (cue.speaker, cue.text) == ("A", "I never said that.")
    assert [word.speaker for word in cue.words] == ["A", "A", None, "A"]


def test_a_longer_unknown_voice_is_not_given_to_its_neighbours() -> None:
    words = [*say("I never", speaker="A"), *say("yes you did", 0.7), *say("said that.", 1.75, speaker="A")]
    assert [cue.speaker for cue in segment(words, NETFLIX_GENERAL)] == ["A", None, "A"]


def test_silence_ends_a_cue() -> None:
    assert _texts([*say("wait for it"), *say("here it comes", 2.5)]) == ["wait for it", "here it comes"]


def test_sentences_end_cues() -> None:
    text = "The first sentence ends here. The second one is just as long."
    assert _texts(say(text)) == ["The first sentence ends here.", "The second one is just as long."]


def test_a_title_does_not_end_a_sentence() -> None:
    assert _texts(say("We asked Dr. Kim about it.")) == ["We asked Dr. Kim about it."]


def test_text_without_punctuation_is_cut_at_pauses() -> None:
    first = say("so this is how the engine hears it")
    second = say("without any commas or full stops at all", first[-1].end + 0.5)
    assert _texts([*first, *second]) == [
        "so this is how the engine hears it",
        "without any commas or full stops at all",
    ]


def test_text_without_pauses_is_cut_into_even_cues_within_the_limits() -> None:
    cues = segment(say("lorem ipsum dolor sit amet " * 20, each=0.25), NETFLIX_GENERAL)
    assert all(not cue.lint for cue in cues)
    assert min(len(cue.words) for cue in cues) > 6


def test_korean_is_cut_by_its_own_limits() -> None:
    text = "오늘은 우리가 자막을 어떻게 만드는지 이야기하려고 합니다. 읽기 어려운 자막은 없는 것보다 나쁩니다."
    cues = segment(say(text, each=0.5), NETFLIX_KOREAN)
    assert [cue.text for cue in cues] == [
        "오늘은 우리가 자막을 어떻게 만드는지 이야기하려고 합니다.",
        "읽기 어려운 자막은 없는 것보다 나쁩니다.",
    ]
    assert all(not cue.lint for cue in cues)


def test_a_short_cue_stays_until_it_can_be_read() -> None:
    (cue,) = segment(say("Yes.", 1), NETFLIX_GENERAL)
    assert cue.start == 1
    assert cue.end == pytest.approx(1 + 5 / 6, abs=0.001)


def test_a_short_cue_does_not_outlast_the_media() -> None:
    (cue,) = segment(say("Yes.", 1), NETFLIX_GENERAL, duration=1.5)
    assert cue.end == 1.5


def test_a_cue_that_has_been_read_ends_with_its_last_word() -> None:
    words = [*say("This takes a while to say."), *say("Later.", 30)]
    assert segment(words, NETFLIX_GENERAL)[0].end == pytest.approx(words[5].end)


def test_two_frames_stay_free_before_the_next_cue() -> None:
    words = [*say("How are you today?", speaker="A", pause=0), *say("I am very well.", 1.2, speaker="B")]
    before, after = segment(words, NETFLIX_GENERAL)
    assert after.start - before.end == pytest.approx(2 / 24, abs=0.001)


def test_voices_that_start_together_follow_each_other() -> None:
    first, second = segment([word("yes", 1, 2, speaker="A"), word("no", 1, 2, speaker="B")], NETFLIX_GENERAL)
    assert (first.text, second.text) == ("yes", "no")
    assert first.end < second.start < second.end


def test_words_without_text_make_no_cue() -> None:
    assert segment([word(""), word("  ", 1)], NETFLIX_GENERAL) == []


@given(spoken(), profiles)
def test_every_word_with_text_is_kept_once_and_in_order(words: list[Word], profile: Profile) -> None:
    kept = [word for cue in segment(words, profile) for word in cue.words]
    assert kept == [word for word in words if word.text]


@given(spoken(), profiles)
def test_no_cue_overlaps_the_next(words: list[Word], profile: Profile) -> None:
    for before, after in pairwise(segment(words, profile)):
        assert before.start < before.end <= after.start


@given(spoken(), profiles)
def test_limits_are_obeyed_or_the_lint_says_so(words: list[Word], profile: Profile) -> None:
    cues = segment(words, profile)
    for cue, following in zip_longest(cues, cues[1:]):
        assert list(cue.lint) == lint(cue, following, profile)


@given(spoken(), profiles)
def test_only_a_single_word_can_break_the_limits_of_room_and_length(words: list[Word], profile: Profile) -> None:
    for cue in segment(words, profile):
        broken = {finding.rule for finding in cue.lint}
        assert "lines" not in broken
        assert "maximum-duration" not in broken or len(cue.words) == 1
        widest = max(profile.measure(word.text) for word in cue.words)
        assert "characters-per-line" not in broken or widest > profile.characters_per_line


@given(spoken(may_overlap=False), profiles)
def test_a_cue_never_hangs_over_silence(words: list[Word], profile: Profile) -> None:
    for cue in segment(words, profile):
        assert cue.end <= max(cue.words[-1].end, cue.start + profile.min_duration) + 0.001
        for left, right in pairwise(cue.words):
            assert right.start - left.end < 1


@given(spoken(may_overlap=False), profiles)
def test_a_cue_starts_with_its_first_word_where_there_is_room(words: list[Word], profile: Profile) -> None:
    for before, cue in pairwise(segment(words, profile)):
        assert cue.start >= cue.words[0].start
        assert cue.start == cue.words[0].start or cue.start - before.start < 0.2
