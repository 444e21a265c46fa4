"""The port for recognisers and its embedded engine."""

import pickle
from dataclasses import dataclass

import pytest

from madang.speech.engines import ENGINES, open_engine, spoken_language
from madang.speech.errors import (
    CodecNotSupported,
    CorruptMedia,
    LanguageNotSupported,
    MediaTooLong,
    NotMedia,
    SpeechError,
    TooManyStreams,
    UnknownEngine,
)
from madang.speech.pocketsphinx_engine import timed_words

ERRORS: list[SpeechError] = [
    NotMedia("it is empty"),
    CorruptMedia("no index"),
    CodecNotSupported(),
    MediaTooLong(20_000.0, 14_400.0),
    TooManyStreams(99, 64),
    UnknownEngine("magic", "pocketsphinx"),
    LanguageNotSupported("ko", "pocketsphinx", "en"),
]


@dataclass
class Heard:
    """A segment as the decoder gives it."""

    word: str
    start_frame: int = 10
    end_frame: int = 19
    prob: float = 0.5


@pytest.mark.parametrize("name", ENGINES)
def test_every_named_engine_opens_and_says_what_it_is(name: str) -> None:
    engine = open_engine(name).engine
    assert engine.name == name
    assert engine.version
    assert engine.model


def test_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownEngine, match=r"'magic'.*pocketsphinx"):
        open_engine("magic")


@pytest.mark.parametrize("language", ["en", "EN", "en-US", "en_GB", None])
def test_english_is_spoken_in_any_spelling(language: str | None) -> None:
    assert spoken_language(open_engine("pocketsphinx"), language) == "en"


@pytest.mark.parametrize("language", ["ko", "ko-KR", "", "eng-lish"])
def test_other_languages_are_refused_with_the_supported_ones(language: str) -> None:
    with pytest.raises(LanguageNotSupported, match=r"speaks: en\."):
        spoken_language(open_engine("pocketsphinx"), language)


@pytest.mark.parametrize("artefact", ["<s>", "</s>", "<sil>", "[NOISE]", "[SPEECH]", "++UH++"])
def test_artefacts_of_the_engine_are_no_words(artefact: str) -> None:
    assert timed_words([Heard(artefact)]) == []


@pytest.mark.parametrize(("given", "text"), [("read(2)", "read"), ("what(12)", "what"), ("country", "country")])
def test_pronunciation_numbers_are_stripped(given: str, text: str) -> None:
    (word,) = timed_words([Heard(given)])
    assert (word.text, word.start, word.end, word.confidence) == (text, 0.1, 0.2, 0.5)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_refusals_survive_pickling_with_code_and_text(error: SpeechError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.code, str(copy)) == (type(error), error.code, str(error))
    assert str(error).endswith(".")


def test_codes_are_distinct() -> None:
    codes = [error.code for error in ERRORS]
    assert len(set(codes)) == len(codes)
