"""From a real recording to a transcript, through the front door."""

import json
import multiprocessing
import pickle
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from madang.speech.analyse import SpeechSettings, analyse
from madang.speech.errors import LanguageNotSupported, UnknownEngine
from madang.speech.transcript import Transcript, Word
from tests.speech import media_files

Report = tuple[str, float]


def ignore(stage: str, share: float) -> None:
    """Take a report of progress and do nothing."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording as the sound of a video, starting 1.5 s after the picture."""
    path = tmp_path_factory.mktemp("film") / "speech.mp4"
    return media_files.write_video(path, media_files.decoded(), seconds=13.0, audio_delay=1.5)


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    return []


@pytest.fixture(scope="module")
def transcript(reports: list[Report]) -> Transcript:
    return analyse(media_files.RECORDING, SpeechSettings(), lambda *report: reports.append(report))


def test_known_words_are_found_at_their_places(transcript: Transcript) -> None:
    spoken = {word.text: word.start for word in reversed(transcript.words)}
    assert {"and", "my", "fellow", "not", "your", "country", "can", "do", "for", "you"} <= spoken.keys()
    assert spoken["fellow"] == pytest.approx(1.2, abs=0.3)
    assert spoken["country"] == pytest.approx(5.9, abs=0.3)


def test_half_of_what_was_said_is_heard_in_order(transcript: Transcript) -> None:
    said = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
    heard = [word.text for word in transcript.words]
    assert common_length(said.split(), heard) >= 14


def common_length(left: list[str], right: list[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(right) + 1)
    for token in left:
        previous = row
        row = [0]
        for index, other in enumerate(right):
            row.append(previous[index] + 1 if token == other else max(previous[index + 1], row[index]))
    return row[-1]


def test_a_value_is_none_exactly_when_its_mark_is_missing(transcript: Transcript) -> None:
    assert len(transcript.words) >= 15
    for word in transcript.words:
        assert_marks_are_honest(word)
        assert word.marks.time == "measured"
        assert word.marks.loudness == "measured"


def assert_marks_are_honest(word: Word) -> None:
    """Check every value of a word against its mark."""
    for value, mark in (
        (word.loudness_db, word.marks.loudness),
        (word.loudness_dbfs, word.marks.loudness),
        (word.centroid_hz, word.marks.loudness),
        (word.harmonic_ratio, word.marks.loudness),
        (word.pitch_hz, word.marks.pitch),
        (word.speaker, word.marks.speaker),
    ):
        assert (value is None) == (mark == "missing"), word


def test_no_measure_is_a_constant(transcript: Transcript) -> None:
    for values in (
        [word.loudness_dbfs for word in transcript.words],
        [word.centroid_hz for word in transcript.words],
        [word.pitch_hz for word in transcript.words if word.pitch_hz is not None],
    ):
        assert len(set(values)) > 0.9 * len(values) > 10


def test_measures_are_plausible_for_this_voice(transcript: Transcript) -> None:
    pitches = [word.pitch_hz for word in transcript.words if word.pitch_hz is not None]
    assert 180 < np.median(pitches) < 280
    assert all(word.loudness_dbfs is not None and -45 < word.loudness_dbfs < 0 for word in transcript.words)
    assert transcript.loudness_lufs == pytest.approx(-12.5, abs=1.0)


def test_times_are_monotonic_and_inside_the_recording(transcript: Transcript) -> None:
    edges = [edge for word in transcript.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0.0
    assert edges[-1] <= transcript.duration == pytest.approx(11.0)


def test_progress_rises_from_zero_to_one(transcript: Transcript, reports: list[Report]) -> None:
    assert transcript.words
    shares = [share for _, share in reports]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert shares.count(1.0) == 1
    assert len(shares) > 10
    assert {stage for stage, _ in reports} == {"decoding", "recognising", "measuring"}


def test_transcript_is_plain_data(transcript: Transcript) -> None:
    assert pickle.loads(pickle.dumps(transcript)) == transcript
    assert json.loads(json.dumps(asdict(transcript), allow_nan=False))["words"][0]["marks"]["time"] == "measured"
    assert transcript.engine.name == "pocketsphinx"
    assert (transcript.language, transcript.reason) == ("en", None)


def test_film_gives_its_words_on_the_time_of_the_picture(film: Path) -> None:
    transcript = analyse(film, SpeechSettings(), ignore)
    spoken = {word.text: word.start for word in reversed(transcript.words)}
    assert spoken["fellow"] == pytest.approx(1.5 + 1.2, abs=0.3)
    assert "country" in spoken
    assert transcript.duration == pytest.approx(13.0, abs=0.2)


def test_analysis_runs_in_a_spawned_process(transcript: Transcript) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(analyse, (media_files.RECORDING, SpeechSettings(), ignore)) == transcript


def test_video_without_audio_succeeds_with_a_reason(tmp_path: Path) -> None:
    path = media_files.write_video_without_audio(tmp_path / "silent.mp4")
    transcript = analyse(path, SpeechSettings(), ignore)
    assert (transcript.words, transcript.reason, transcript.loudness_lufs) == ((), "no-audio", None)


@pytest.mark.parametrize("samples", [np.ones(1), np.zeros(48_000 * 3), media_files.tone(0.05, 48_000)])
def test_audio_without_speech_succeeds_with_a_reason(tmp_path: Path, samples: "np.typing.NDArray[np.float32]") -> None:
    path = media_files.write_wav(tmp_path / "quiet.wav", samples.astype(np.float32))
    reports: list[Report] = []
    transcript = analyse(path, SpeechSettings(), lambda *report: reports.append(report))
    assert (transcript.words, transcript.reason) == ((), "no-speech")
    assert reports[-1] == ("measuring", 1.0)


def test_truncation_travels_with_the_result(tmp_path: Path) -> None:
    path = media_files.write_truncated(tmp_path / "cut.m4a", media_files.decoded(), keep=0.4)
    transcript = analyse(path, SpeechSettings(), ignore)
    assert transcript.words
    assert "truncated" in [finding.code for finding in transcript.findings]


@pytest.mark.parametrize(
    ("settings", "error"),
    [(SpeechSettings(language="ko"), LanguageNotSupported), (SpeechSettings(engine="magic"), UnknownEngine)],
)
def test_what_the_engine_cannot_do_is_refused_before_the_file_is_read(
    tmp_path: Path, settings: SpeechSettings, error: type[Exception]
) -> None:
    with pytest.raises(error):
        analyse(tmp_path / "nowhere.mp4", settings, ignore)


def test_transcript_imports_without_the_native_libraries() -> None:
    code = "import sys, madang.speech.transcript, madang.speech.settings, madang.speech.errors;"
    code += "print(*{'av', 'numpy', 'pocketsphinx', 'webrtcvad'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout.split() == []
