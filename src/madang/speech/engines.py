"""The port for recognisers: audio in, timed words out. One file per engine, imported only when chosen."""

from collections.abc import Callable
from typing import ClassVar, Protocol

from madang.speech.audio import Samples
from madang.speech.errors import LanguageNotSupported, UnknownEngine
from madang.speech.transcript import Engine, TimedWord

ENGINES = ("pocketsphinx",)


class Recogniser(Protocol):
    """Hears words in one stretch of speech at a time; keeps what it learns of the voice between stretches."""

    languages: ClassVar[tuple[str, ...]]
    """Primary language subtags (ISO 639) the engine speaks; the first is its own choice."""

    @property
    def engine(self) -> Engine:
        """Name, version and model, as they travel with the result."""

    def recognise(self, samples: Samples, on_progress: Callable[[float], None]) -> list[TimedWord]:
        """Return words in order, in seconds from the first sample; report the share done, 0..1. Loads on first use."""


def open_engine(name: str) -> Recogniser:
    """Return the engine of that name, its model not loaded yet; raises UnknownEngine."""
    match name:
        case "pocketsphinx":
            from madang.speech.pocketsphinx_engine import PocketsphinxRecogniser

            return PocketsphinxRecogniser()
        case _:
            raise UnknownEngine(name, ", ".join(ENGINES))


def spoken_language(recogniser: Recogniser, language: str | None) -> str:
    """Return the primary subtag of the language to recognise (`en-US` gives `en`); raises LanguageNotSupported."""
    if language is None:
        return recogniser.languages[0]
    primary = language.replace("_", "-").split("-")[0].lower()
    if primary not in recogniser.languages:
        raise LanguageNotSupported(language, recogniser.engine.name, ", ".join(recogniser.languages))
    return primary
