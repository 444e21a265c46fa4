"""Speech spans: nothing spoken is lost, silence is left out, memory is bounded."""

import numpy as np
import pytest
from numpy.typing import NDArray

from madang.speech.activity import FRAME, LONGEST, Span, SpanSplitter, speech_frames
from madang.speech.decode import read_samples
from tests.speech.media_files import RECORDING


def spans_of(samples: NDArray[np.float32], block: int = 1000) -> list[Span]:
    """Feed in blocks of an odd size."""
    splitter = SpanSplitter()
    spans = [span for start in range(0, len(samples), block) for span in splitter.add(samples[start : start + block])]
    return [*spans, *splitter.finish()]


@pytest.fixture(scope="module")
def speech() -> NDArray[np.float32]:
    return read_samples(RECORDING)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(1), np.zeros(80_000)])
def test_silence_has_no_spans(samples: NDArray[np.float32]) -> None:
    assert spans_of(samples.astype(np.float32)) == []


def test_spans_lie_where_the_speech_is(speech: NDArray[np.float32]) -> None:
    pause = np.zeros(5 * 16_000, np.float32)
    spans = spans_of(np.concatenate([pause, speech, pause, speech]))
    edges = [(span.start, span.start + len(span.samples) / 16_000) for span in spans]
    assert 4.7 <= edges[0][0] <= 5.4
    assert any(20.7 <= start <= 21.4 for start, _ in edges)
    assert not any(start < 19.0 < end or start < 2.0 < end for start, end in edges)
    assert sum(end - start for start, end in edges) > 0.8 * 22


def test_span_holds_exactly_the_samples_of_its_place(speech: NDArray[np.float32]) -> None:
    shifted = np.concatenate([np.zeros(33_333, np.float32), speech])
    for block in (160, 999, 100_000):
        for span in spans_of(shifted, block):
            start = round(span.start * 16_000)
            count = min(len(span.samples), len(shifted) - start)
            assert np.array_equal(span.samples[:count], shifted[start : start + count])
            assert len(span.speech) == len(span.samples) // FRAME


def test_endless_speech_is_cut_into_spans_without_loss(speech: NDArray[np.float32]) -> None:
    spans = spans_of(np.tile(speech[:150_000], 8))
    assert max(len(span.samples) for span in spans) <= LONGEST * FRAME
    ends = [round(span.start * 16_000) + len(span.samples) for span in spans]
    starts = [round(span.start * 16_000) for span in spans]
    assert all(start >= end for start, end in zip(starts[1:], ends[:-1], strict=True))
    assert sum(len(span.samples) for span in spans) > 0.9 * 8 * 150_000


def test_decisions_tell_speech_from_silence(speech: NDArray[np.float32]) -> None:
    decisions = speech_frames(np.concatenate([np.zeros(48_000, np.float32), speech]))
    assert not decisions[:95].any()
    assert decisions[100:].mean() > 0.5
