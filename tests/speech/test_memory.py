"""Memory does not grow with the length of the file, and what is not recognition costs under a twentieth of it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.speech import media_files

PASS = """
import sys, time
from pathlib import Path
from madang.speech.activity import SpanSplitter
from madang.speech.decode import open_audio
from madang.speech.loudness import LoudnessMeter
from madang.speech.measure import Features
from madang.speech.settings import SpeechSettings

splitter, meter, spans = SpanSplitter(), LoudnessMeter(), 0
with open_audio(Path(sys.argv[1]), SpeechSettings()) as source:
    for block in source.blocks():
        meter.add(block.channels, block.names)
        for span in splitter.add(block.samples):
            Features.of(span.samples)
            spans += 1
assert spans > 5 and meter.lufs() is not None
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) / 1024, time.process_time())
"""


def peak_and_time(path: Path) -> tuple[float, float]:
    """MiB and CPU seconds of a fresh process that runs everything but recognition over a file."""
    command = [sys.executable, "-c", PASS, str(path)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    peak, seconds = run.stdout.split()
    return float(peak), float(seconds)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from procfs")
def test_twenty_minutes_need_no_more_memory_than_two_and_little_time(tmp_path: Path) -> None:
    minute = np.resize(media_files.decoded(rate=16_000), 60 * 16_000)
    short, long = (
        peak_and_time(media_files.write_wav(tmp_path / f"{minutes}.wav", np.tile(minute, minutes), rate=16_000))
        for minutes in (2, 20)
    )
    assert long[0] - short[0] < 16
    assert long[1] < 0.05 * 20 * 60
