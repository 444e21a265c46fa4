"""What a caller may choose about an analysis."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """`language` is a BCP 47 tag, None lets the engine choose; `max_duration` is in seconds."""

    language: str | None = "en"
    engine: str = "pocketsphinx"
    max_duration: float = 4 * 3600.0
    max_streams: int = 64
