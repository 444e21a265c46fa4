import pytest

from madang.subtitles.errors import UnknownProfile
from madang.subtitles.profiles import NETFLIX_GENERAL, NETFLIX_KOREAN, profile_for, profile_named


@pytest.mark.parametrize("language", ["ko", "ko-KR", "ko_KR", "KO", "kor"])
def test_korean_has_its_own_profile(language: str) -> None:
    assert profile_for(language) is NETFLIX_KOREAN


@pytest.mark.parametrize("language", ["en", "en-GB", "kok", "fr", "", None])
def test_other_languages_have_the_general_profile(language: str | None) -> None:
    assert profile_for(language) is NETFLIX_GENERAL


def test_profiles_hold_the_published_limits() -> None:
    general, korean = profile_named("netflix-general"), profile_named("netflix-korean")
    assert (general.characters_per_line, general.lines, general.characters_per_second) == (42, 2, 20)
    assert (korean.characters_per_line, korean.lines, korean.characters_per_second) == (16, 2, 12)
    assert general.min_duration == korean.min_duration == pytest.approx(5 / 6)
    assert general.max_duration == korean.max_duration == 7
    assert general.italics
    assert not korean.italics


def test_unknown_profile_names_those_that_exist() -> None:
    with pytest.raises(UnknownProfile, match=r"'bbc'.*netflix-general, netflix-korean") as refusal:
        profile_named("bbc")
    assert refusal.value.code == "unknown-profile"
