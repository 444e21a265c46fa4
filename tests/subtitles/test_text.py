from hypothesis import given
from hypothesis import strategies as st

from madang.subtitles.text import characters, clean, half_width_characters, join


def test_white_space_and_line_ends_become_one_space() -> None:
    assert clean("  a\r\n\tb\u2028c\u00a0d ") == "a b c d"


def test_control_characters_become_the_replacement_character() -> None:
    assert clean("a\x00b\x1bc\x9bd") == "a\ufffdb\ufffdc\ufffdd"


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert len(clean(text).splitlines()) <= 1


def test_words_are_joined_as_their_script_is_written() -> None:
    assert join(["Good", "morning."]) == "Good morning."
    assert join(["안녕", "친구"]) == "안녕 친구"
    assert join(["今日", "は", "いい", "ね。", "そう", "。"]) == "今日はいいね。そう。"
    assert join(["今日", "AI", "を"]) == "今日 AI を"
    assert join(["สวัส", "ดี"]) == "สวัสดี"


def test_a_reader_s_character_is_a_grapheme_cluster() -> None:
    assert characters("e\u0301te\u0301") == 3
    assert characters("👩‍👩‍👧‍👦 🇰🇷") == 3


def test_korean_counts_latin_digits_space_and_punctuation_half() -> None:
    assert half_width_characters("안녕하세요") == 5
    assert half_width_characters("AI 제품, 3개!") == 1 + 0.5 + 2 + 0.5 + 0.5 + 0.5 + 1 + 0.5
    assert half_width_characters("네。") == 1.5


def test_decomposed_hangul_counts_like_composed() -> None:
    assert half_width_characters("\u1112\u1161\u11ab") == half_width_characters("한") == 1
