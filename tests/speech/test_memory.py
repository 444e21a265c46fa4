"""Memory does not grow with the length of the file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.speech import media_files

PASS = """
import sys
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
print(int(peak.split()[1]) / 1024)
"""


def peak_memory(path: Path) -> float:
    """MiB of a fresh process that runs everything but recognition over a file."""
    run = subprocess.run([sys.executable, "-c", PASS, str(path)], check=True, capture_output=True, timeout=100)
    return float(run.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from procfs")
def test_twenty_minutes_need_no_more_memory_than_two(tmp_path: Path) -> None:
    minute = np.resize(media_files.decoded(rate=16_000), 60 * 16_000)
    short, long = (
        media_files.write_wav(tmp_path / f"{minutes}.wav", np.tile(minute, minutes), rate=16_000) for minutes in (2, 20)
    )
    assert peak_memory(long) - peak_memory(short) < 16
