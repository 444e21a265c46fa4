"""CMU PocketSphinx: US English, model and dictionary inside the wheel, nothing to download."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import ClassVar, Protocol

import pocketsphinx

from madang.speech.audio import RATE, Samples, to_pcm
from madang.speech.transcript import Engine, TimedWord

FRAMES_PER_SECOND = 100
CHUNK = RATE // 2
"""Half a second between two reports of progress."""
LEVELLING = 3 * RATE
"""Samples below which a stretch is too short to estimate its own cepstral mean."""
PRONUNCIATION = re.compile(r"\(\d+\)$")
ARTEFACT = re.compile(r"^(<.*>|\[.*\]|\+\+.*\+\+)$")


class Segment(Protocol):
    """What the decoder says of one stretch: frames of 10 ms, `end_frame` included, `prob` its posterior."""

    word: str
    start_frame: int
    end_frame: int
    prob: float


@dataclass(slots=True)
class PocketsphinxRecogniser:
    """The embedded engine. The decoder keeps its cepstral mean from stretch to stretch, so use one per file.

    A cold decoder starts from a mean that fits another microphone and hears the first seconds wrong. So the mean of
    each stretch is estimated first, in a pass with a one-word grammar that costs a tenth of the recognition.
    """

    languages: ClassVar[tuple[str, ...]] = ("en",)
    decoder: pocketsphinx.Decoder | None = field(default=None, repr=False)

    @property
    def engine(self) -> Engine:
        """The acoustic model is the wheel's own `en-us`."""
        return Engine("pocketsphinx", version("pocketsphinx"), "en-us")

    def recognise(self, samples: Samples, on_progress: Callable[[float], None]) -> list[TimedWord]:
        """Word times are the recogniser's own alignment, to 10 ms."""
        if not samples.size:
            return []
        decoder = self._decoder(len(samples), to_pcm(samples))
        decoder.start_utt()
        for start in range(0, len(samples), CHUNK):
            decoder.process_raw(to_pcm(samples[start : start + CHUNK]))
            on_progress(min(1.0, (start + CHUNK) / len(samples)))
        decoder.end_utt()
        return timed_words(decoder.seg() or ())

    def _decoder(self, count: int, pcm: bytes) -> pocketsphinx.Decoder:
        """Return the decoder with its cepstral mean set for this stretch."""
        if self.decoder is None:
            self.decoder = pocketsphinx.Decoder(loglevel="FATAL")
            self.decoder.add_keyphrase("level", "and")
        elif count < LEVELLING:
            return self.decoder
        self.decoder.reinit_feat()  # forgets the running sums, which would outweigh the mean of this stretch
        self.decoder.activate_search("level")
        self.decoder.start_utt()
        self.decoder.process_raw(pcm, no_search=True, full_utt=True)
        mean = self.decoder.get_cmn(True)
        self.decoder.end_utt()
        self.decoder.set_cmn(mean)
        self.decoder.activate_search()
        return self.decoder


def timed_words(segments: Iterable[Segment]) -> list[TimedWord]:
    """Drop silences, fillers and sentence marks; strip the number of the pronunciation: `read(2)` is `read`."""
    return [_timed(segment) for segment in segments if not ARTEFACT.match(segment.word)]


def _timed(segment: Segment) -> TimedWord:
    return TimedWord(
        text=PRONUNCIATION.sub("", segment.word),
        start=segment.start_frame / FRAMES_PER_SECOND,
        end=(segment.end_frame + 1) / FRAMES_PER_SECOND,
        confidence=min(1.0, max(0.0, segment.prob)),
    )
