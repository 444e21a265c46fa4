"""Speech with known truth: words rendered by eSpeak NG at set amplitude and pitch, placed at known onsets.

The library comes from the `espeakng-loader` wheel and is called through ctypes, so no system package is needed. It
keeps global state: render in one thread only.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from madang.speech.transcript import TimedWord

NATIVE_RATE = 22_050
RATE = 16_000
SYNCHRONOUS = 2
AMPLITUDE, PITCH, PITCH_RANGE = 2, 3, 4

Samples = NDArray[np.float32]
Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """What to render: amplitude 0..200, pitch 0..99 as eSpeak counts them; the intonation is held flat."""

    text: str
    amplitude: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Truth:
    """One rendered word on the timeline: seconds, and the level in dBFS of the rendered samples themselves."""

    word: SpokenWord
    start: float
    end: float
    level: float

    @property
    def timed(self) -> TimedWord:
        """The word as an aligner with perfect times would give it."""
        return TimedWord(self.word.text, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Recording:
    """16 kHz mono audio with the truth beside it."""

    samples: Samples
    words: tuple[Truth, ...]


def record(words: Sequence[SpokenWord], gap: float = 0.12, lead: float = 0.5) -> Recording:
    """Render the words one after another over a faint noise floor (-80 dBFS)."""
    parts, truths, clock = [np.zeros(round(lead * RATE), np.float32)], [], round(lead * RATE)
    for word in words:
        rendered = render(word)
        level = 10 * float(np.log10(np.square(rendered, dtype=np.float64).mean()))
        truths.append(Truth(word, clock / RATE, (clock + len(rendered)) / RATE, level))
        parts += [rendered, np.zeros(round(gap * RATE), np.float32)]
        clock += len(rendered) + round(gap * RATE)
    samples = np.concatenate(parts)
    noise = np.random.default_rng(7).normal(0.0, 1e-4, len(samples)).astype(np.float32)
    return Recording(samples + noise, tuple(truths))


@cache
def render(word: SpokenWord) -> Samples:
    """Return the word at 16 kHz, its silent edges trimmed."""
    native = _synthesise(word)
    loud = np.flatnonzero(np.abs(native) > 0.01 * np.abs(native).max())
    trimmed = native[loud[0] : loud[-1] + 1]
    times = np.arange(int(len(trimmed) / NATIVE_RATE * RATE)) / RATE
    return np.interp(times, np.arange(len(trimmed)) / NATIVE_RATE, trimmed).astype(np.float32)


def _synthesise(word: SpokenWord) -> NDArray[np.float64]:
    library, chunks = _library(), []

    def collect(samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if samples and count > 0:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = Callback(collect)
    library.espeak_SetSynthCallback(callback)
    for parameter, value in ((AMPLITUDE, word.amplitude), (PITCH, word.pitch), (PITCH_RANGE, 0)):
        library.espeak_SetParameter(parameter, value, 0)
    text = word.text.encode()
    library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 1, 0, 1, None, None)
    return np.concatenate(chunks) / 32768.0


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
    if library.espeak_Initialize(SYNCHRONOUS, 0, str(espeakng_loader.get_data_path()).encode(), 0) != NATIVE_RATE:
        raise RuntimeError("eSpeak NG did not start at its usual rate")
    library.espeak_SetVoiceByName(b"en-us")
    return library
