"""The one way in: a media file to a transcript, in a single streaming pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from madang.speech.activity import Span, SpanSplitter
from madang.speech.audio import RATE
from madang.speech.decode import AudioSource, open_audio
from madang.speech.engines import Recogniser, open_engine, spoken_language
from madang.speech.guards import findings_of, flag_loops
from madang.speech.loudness import LoudnessMeter
from madang.speech.measure import relative_to_median
from madang.speech.recognise import hear
from madang.speech.settings import SpeechSettings
from madang.speech.transcript import Reason, Transcript, Word

__all__ = ["SpeechSettings", "analyse"]

OnProgress = Callable[[str, float], None]


@dataclass(slots=True)
class Progress:
    """Reports the stage and the share of the whole analysis, 0..1, which never falls.

    The file is decoded, recognised and measured in one pass, so the share is the position in the file up to which
    words are known. `decoding` means that the pass is looking for speech, `recognising` that a span is being heard,
    `measuring` the last step over all words. 1 is reported once, at the end of a success.
    """

    notify: OnProgress
    share: float = 0.0

    def report(self, stage: str, share: float) -> None:
        """Report when the share has risen by half a percent, or on completion."""
        if share >= min(1.0, self.share + 0.005):
            self.share = share
            self.notify(stage, share)


def analyse(path: Path, settings: SpeechSettings, on_progress: OnProgress) -> Transcript:
    """Find the words of a media file and measure each.

    `on_progress` receives the stage (`decoding`, `recognising`, `measuring`) and the share of the whole work, 0..1.
    Memory does not grow with the length of the file. Raises the errors of `madang.speech.errors`, and OSError when
    the path cannot be read.
    """
    recogniser = open_engine(settings.engine)
    language = spoken_language(recogniser, settings.language)
    progress = Progress(on_progress)
    on_progress("decoding", 0.0)
    with open_audio(path, settings) as source:
        meter = LoudnessMeter()
        words = [word for span in _spans(source, meter, progress) for word in _hear(recogniser, span, source, progress)]
        transcript = _transcript(source, words, language, recogniser, meter)
    on_progress("measuring", 1.0)
    return transcript


def _spans(source: AudioSource, meter: LoudnessMeter, progress: Progress) -> Iterator[Span]:
    splitter = SpanSplitter()
    for block in source.blocks():
        meter.add(block.channels, block.names)
        yield from splitter.add(block.samples)
        if not splitter.is_open:
            progress.report("decoding", 0.99 * source.progress)
    yield from splitter.finish()


def _hear(recogniser: Recogniser, span: Span, source: AudioSource, progress: Progress) -> list[Word]:
    """Spread the recognition of a span over the share of the file that was read since the last one."""
    begin, length = progress.share, len(span.samples) / RATE
    reach = max(begin, 0.99 * source.progress * min(1.0, (span.start + length) / max(source.clock, length)))
    return hear(recogniser, span, lambda share: progress.report("recognising", begin + share * (reach - begin)))


def _transcript(
    source: AudioSource, heard: list[Word], language: str, recogniser: Recogniser, meter: LoudnessMeter
) -> Transcript:
    words = flag_loops(relative_to_median(heard))
    return Transcript(
        words=words,
        duration=round(source.duration, 3),
        language=language,
        engine=recogniser.engine,
        loudness_lufs=meter.lufs(),
        reason=_reason(source, words),
        findings=(*source.findings, *findings_of(words)),
    )


def _reason(source: AudioSource, words: tuple[Word, ...]) -> Reason | None:
    if source.stream is None:
        return "no-audio"
    return None if words else "no-speech"
