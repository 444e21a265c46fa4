"""F0 on signals whose pitch is known exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from madang.speech.decode import read_samples
from madang.speech.pitch import median_pitch, track_pitch
from tests.speech.media_files import RECORDING

RATE = 16_000


def voice(pitch: float, seconds: float = 0.4, noise: float = 0.0, tilt: float = 1.0) -> NDArray[np.float32]:
    """Harmonics of `pitch` up to 4 kHz, falling by `tilt`, with white noise."""
    times = np.arange(round(seconds * RATE)) / RATE
    harmonics = range(1, int(4000 / pitch) + 1)
    signal = sum(np.sin(2 * np.pi * pitch * order * times + order) / order**tilt for order in harmonics)
    return np.asarray(0.1 * signal + np.random.default_rng(1).normal(0, noise, len(times)), np.float32)


# A voice falls by 6 dB an octave or more (tilt 1); without any fall, a pulse train, short periods are not covered.
@given(pitch=st.floats(65.0, 480.0), tilt=st.floats(0.5, 2.0))
@settings(max_examples=60, deadline=None)
def test_any_pitch_in_range_is_found_within_one_percent(pitch: float, tilt: float) -> None:
    assert median_pitch(track_pitch(voice(pitch, tilt=tilt)).f0) == pytest.approx(pitch, rel=0.01)


@pytest.mark.parametrize("pitch", [80.0, 140.0, 230.0, 400.0])
def test_noise_does_not_move_the_octave(pitch: float) -> None:
    assert median_pitch(track_pitch(voice(pitch, noise=0.03)).f0) == pytest.approx(pitch, rel=0.02)


def test_strong_second_harmonic_is_not_the_pitch() -> None:
    # The last "your" of the recording: its harmonics lie 166 Hz apart, the second is by far the strongest.
    samples = read_samples(RECORDING)[round(9.78 * RATE) : round(9.99 * RATE)]
    assert median_pitch(track_pitch(samples).f0) == pytest.approx(166, rel=0.03)


@pytest.mark.parametrize("pitch", [80.0, 140.0, 230.0])
def test_missing_fundamental_is_heard_all_the_same(pitch: float) -> None:
    times = np.arange(RATE // 2) / RATE
    signal = sum(np.sin(2 * np.pi * pitch * order * times) for order in (2, 3, 4, 5))
    assert median_pitch(track_pitch(np.asarray(0.1 * signal, np.float32)).f0) == pytest.approx(pitch, rel=0.01)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, 5 * RATE).astype(np.float32)
    assert track_pitch(noise).voiced.mean() < 0.01
    assert not track_pitch(np.zeros(RATE, np.float32)).voiced.any()


def test_constant_offset_is_not_a_pitch() -> None:
    assert not track_pitch(np.full(RATE, 0.5, np.float32)).voiced[5:-10].any()


def test_stray_octaves_are_folded_onto_the_median() -> None:
    f0 = np.array([200.0, 201.0, 400.0, 199.0, 100.0, 202.0, 0.0, 402.0, 200.0])
    assert median_pitch(f0) == pytest.approx(200.0, abs=1.0)


def test_less_than_thirty_milliseconds_of_voice_have_no_pitch() -> None:
    assert median_pitch(np.array([0.0, 150.0, 151.0, 0.0])) is None


def test_periodicity_tells_voice_from_noise() -> None:
    clean, noisy = (track_pitch(voice(150.0, noise=noise)).periodic[8:-8] for noise in (0.0, 0.1))
    assert np.median(clean) > 0.99
    assert np.median(noisy) < 0.85


@pytest.mark.parametrize("count", [0, 1, 159, 160, 161, 1000])
def test_one_frame_per_ten_milliseconds(count: int) -> None:
    assert len(track_pitch(np.zeros(count, np.float32)).f0) == count // 160
