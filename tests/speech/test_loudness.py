"""The meter against the reference values of ITU-R BS.1770 and EBU Tech 3341."""

import numpy as np
import pytest
from numpy.typing import NDArray

from madang.speech.loudness import LoudnessMeter, dbfs

RATE = 48_000


def sine(level: float, seconds: float, frequency: float = 1000.0) -> NDArray[np.float32]:
    """A sine whose peak is at `level` dBFS."""
    times = np.arange(round(seconds * RATE)) / RATE
    return (10 ** (level / 20) * np.sin(2 * np.pi * frequency * times)).astype(np.float32)


def measured(channels: NDArray[np.float32], names: tuple[str, ...], block: int = 4321) -> float | None:
    """Integrated loudness of [channels, n], fed in odd blocks."""
    meter = LoudnessMeter()
    for start in range(0, channels.shape[1], block):
        meter.add(channels[:, start : start + block], names)
    return meter.lufs()


def test_full_scale_tone_in_one_channel_reads_minus_three() -> None:
    # BS.1770 annex 1: 0 dB FS, 997 Hz, in the left, centre or right channel gives -3.01 LKFS.
    assert measured(sine(0.0, 5, 997.0)[np.newaxis], ("FC",)) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize(
    "segments",
    [
        [(-23.0, 20)],  # EBU Tech 3341, case 1
        [(-36.0, 10), (-23.0, 60), (-36.0, 10)],  # case 3: the relative gate
        [(-72.0, 10), (-36.0, 10), (-23.0, 60), (-36.0, 10), (-72.0, 10)],  # case 4: both gates
    ],
)
def test_ebu_stereo_tones_read_minus_twenty_three(segments: list[tuple[float, float]]) -> None:
    tone = np.concatenate([sine(level, seconds) for level, seconds in segments])
    assert measured(np.stack([tone, tone]), ("FL", "FR")) == pytest.approx(-23.0, abs=0.1)


def test_surround_channels_weigh_as_the_standard_says() -> None:
    # EBU Tech 3341, case 6: -28 left and right, -24 centre, -30 surround.
    levels = {"FL": -28.0, "FR": -28.0, "FC": -24.0, "LFE": 0.0, "BL": -30.0, "BR": -30.0}
    channels = np.stack([sine(level, 20) for level in levels.values()])
    assert measured(channels, tuple(levels)) == pytest.approx(-23.0, abs=0.1)


def test_silence_and_less_than_a_gating_block_have_no_loudness() -> None:
    assert measured(np.zeros((1, 5 * RATE), np.float32), ("FC",)) is None
    assert measured(sine(-20.0, 0.3)[np.newaxis], ("FC",)) is None


def test_level_of_a_full_scale_sine_is_minus_three_dbfs() -> None:
    assert dbfs(float(np.square(sine(0.0, 1)).mean())) == pytest.approx(-3.01, abs=0.01)
    assert dbfs(0.0) is None
