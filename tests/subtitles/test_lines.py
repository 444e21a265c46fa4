from hypothesis import given
from hypothesis import strategies as st

from madang.subtitles.lines import break_lines
from madang.subtitles.profiles import NETFLIX_GENERAL, NETFLIX_KOREAN, Profile
from madang.subtitles.text import join
from tests.subtitles.words import texts


def _general(text: str) -> tuple[str, ...]:
    return break_lines(text.split(), NETFLIX_GENERAL)


def test_a_line_that_fits_stays_one() -> None:
    assert _general("Yes, but not before the end of the week.") == ("Yes, but not before the end of the week.",)


def test_two_lines_break_after_punctuation() -> None:
    assert _general("When the sun came up, we were already on the road.") == (
        "When the sun came up,",
        "we were already on the road.",
    )


def test_two_lines_break_before_a_conjunction() -> None:
    assert _general("He wanted to leave the party early but nobody would drive him")[1].startswith("but ")


def test_an_article_stays_with_its_noun() -> None:
    for line in _general("They walked all the way to the station in the pouring rain")[:-1]:
        assert line.split()[-1] not in {"the", "to", "in"}


def test_no_short_word_is_left_alone() -> None:
    lines = _general("Everybody in this quiet town remembers him.")
    assert all(len(line.split()) > 1 for line in lines)


def test_korean_lines_hold_sixteen_full_characters() -> None:
    assert break_lines(["가나다라마바사", "아자차카타파하거"], NETFLIX_KOREAN) == ("가나다라마바사 아자차카타파하거",)
    assert break_lines(["가나다라마바사아", "아자차카타파하거"], NETFLIX_KOREAN) == (
        "가나다라마바사아",
        "아자차카타파하거",
    )


def test_no_words_make_no_lines() -> None:
    assert break_lines([], NETFLIX_GENERAL) == ()


@given(st.lists(texts.filter(str.strip), min_size=1, max_size=60), st.sampled_from([NETFLIX_GENERAL, NETFLIX_KOREAN]))
def test_lines_hold_every_word_and_only_a_single_word_is_too_wide(words: list[str], profile: Profile) -> None:
    words = [" ".join(word.split()) for word in words]
    lines = break_lines(words, profile)
    assert join(lines).replace(" ", "") == "".join(words).replace(" ", "")
    too_wide = [line for line in lines if profile.measure(line) > profile.characters_per_line]
    assert all(line in words for line in too_wide)
