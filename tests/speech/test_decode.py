"""Decoding of good, odd and bad files."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from madang.speech.decode import open_audio, read_samples
from madang.speech.errors import CodecNotSupported, CorruptMedia, MediaTooLong, NotMedia, SpeechError, TooManyStreams
from madang.speech.settings import SpeechSettings
from madang.speech.transcript import Finding
from tests.speech import media_files

SETTINGS = SpeechSettings()


@pytest.fixture(scope="module")
def sound() -> NDArray[np.float32]:
    """Four seconds of the recording at 48 kHz; the first sound is 0.1 s in."""
    return media_files.decoded()[: 4 * 48_000]


def read(path: Path, settings: SpeechSettings = SETTINGS) -> tuple[NDArray[np.float32], float, list[Finding]]:
    """Samples, duration and findings."""
    with open_audio(path, settings) as source:
        samples = [block.samples for block in source.blocks()]
        return np.concatenate([np.zeros(0, np.float32), *samples]), source.duration, source.findings


def onset(samples: NDArray[np.float32]) -> float:
    """Seconds until the first audible sample."""
    return float(np.flatnonzero(np.abs(samples) > 0.02)[0]) / 16_000


@pytest.mark.parametrize(
    ("name", "options", "shift"),
    [
        ("plain.mp4", {}, 0.0),
        ("late.mp4", {"audio_delay": 1.5}, 1.5),
        ("late-picture.mp4", {"video_delay": 2.0}, 0.0),
        ("negative.mkv", {"audio_delay": -0.5}, 0.0),
        ("both-late.mkv", {"audio_delay": 1.5, "video_delay": 0.7}, 0.8),
        ("opus.webm", {}, 0.0),
        ("broadcast.ts", {"audio_delay": 1.0}, 1.0),
    ],
)
def test_words_lie_on_the_timeline_a_player_shows(
    tmp_path: Path, sound: NDArray[np.float32], name: str, options: dict[str, float], shift: float
) -> None:
    path = media_files.write_video(tmp_path / name, sound, seconds=4, **options)  # type: ignore[arg-type]
    samples, duration, findings = read(path)
    assert onset(samples) == pytest.approx(0.106 + shift, abs=0.03)
    assert duration >= 3.9 + shift
    assert findings == []


@pytest.mark.parametrize("bits", [8, 16, 24])
def test_bit_depth_does_not_change_the_level(tmp_path: Path, sound: NDArray[np.float32], bits: int) -> None:
    samples, _, _ = read(media_files.write_wav(tmp_path / "depth.wav", sound, bits=bits))
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(np.sqrt(np.mean(sound**2)), rel=0.03)
    assert len(samples) == 4 * 16_000


@pytest.mark.parametrize("channels", [1, 2])
def test_equal_channels_keep_their_level(tmp_path: Path, channels: int) -> None:
    tone = np.repeat(media_files.tone(1.0, 48_000)[:, np.newaxis], channels, axis=1)
    samples, _, _ = read(media_files.write_wav(tmp_path / "tone.wav", tone, bits=24))
    assert np.abs(samples[1000:-1000]).max() == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize(("codec", "name"), [("flac", "surround.flac"), ("ac3", "surround.mkv")])
def test_centre_channel_of_surround_sound_is_heard(
    tmp_path: Path, sound: NDArray[np.float32], codec: str, name: str
) -> None:
    channels = np.zeros((6, len(sound)), np.float32)
    channels[2] = sound
    samples, _, _ = read(media_files.write_encoded(tmp_path / name, codec, channels, "5.1"))
    assert np.corrcoef(samples[:60_000], read_samples(media_files.RECORDING)[:60_000])[0, 1] > 0.9


@pytest.mark.parametrize(("codec", "name"), [("libmp3lame", "a.mp3"), ("libopus", "a.ogg"), ("aac", "a.m4a")])
def test_compressed_audio_keeps_its_times(tmp_path: Path, sound: NDArray[np.float32], codec: str, name: str) -> None:
    samples, duration, findings = read(media_files.write_encoded(tmp_path / name, codec, sound, "mono"))
    assert onset(samples) == pytest.approx(0.106, abs=0.03)
    assert duration == pytest.approx(4.0, abs=0.1)
    assert findings == []


def test_video_without_audio_has_no_stream_and_its_duration(tmp_path: Path) -> None:
    with open_audio(media_files.write_video_without_audio(tmp_path / "silent.mp4"), SETTINGS) as source:
        assert source.stream is None
        assert list(source.blocks()) == []
        assert source.duration == pytest.approx(1.0, abs=0.11)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_audio_of_almost_no_samples_is_read(tmp_path: Path, count: int) -> None:
    samples, duration, findings = read(media_files.write_wav(tmp_path / "tick.wav", np.ones(count, np.float32)))
    assert len(samples) <= 1
    assert duration < 0.001
    assert findings == []


def test_truncated_file_is_read_as_far_as_it_goes(tmp_path: Path, sound: NDArray[np.float32]) -> None:
    samples, duration, findings = read(media_files.write_truncated(tmp_path / "cut.m4a", sound))
    assert 1.0 < len(samples) / 16_000 < 3.0
    assert duration == pytest.approx(len(samples) / 16_000, abs=0.01)
    assert "truncated" in [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mkv", "aac"), ("a.webm", "libopus"), ("a.flv", "aac")],
)
def test_truncation_is_reported_for_any_format_with_a_length(
    tmp_path: Path, sound: NDArray[np.float32], name: str, codec: str
) -> None:
    path = media_files.write_encoded(tmp_path / name, codec, sound, "mono")
    assert read(path)[2] == []
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    samples, duration, findings = read(path)
    assert "truncated" in [finding.code for finding in findings]
    assert duration == pytest.approx(len(samples) / 16_000, abs=0.01)


def test_truncated_film_is_reported(tmp_path: Path, sound: NDArray[np.float32]) -> None:
    path = media_files.write_video(tmp_path / "film.mkv", sound, seconds=4)
    assert read(path)[2] == []
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "truncated" in [finding.code for finding in read(path)[2]]


@pytest.mark.parametrize("write", [media_files.write_zero_bytes, media_files.write_text])
def test_what_is_no_media_is_refused(tmp_path: Path, write: "object") -> None:
    assert callable(write)
    with pytest.raises(NotMedia):
        read(write(tmp_path / "movie.mp4"))


def test_picture_is_no_media(tmp_path: Path) -> None:
    path = tmp_path / "movie.mp4"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000))
    with pytest.raises(NotMedia, match="image/png"):
        read(path)


def test_playlist_that_names_another_file_is_not_followed(tmp_path: Path, sound: NDArray[np.float32]) -> None:
    target = media_files.write_wav(tmp_path / "secret.wav", sound)
    for text in (f"#EXTM3U\n#EXTINF:4,\n{target}\n#EXT-X-ENDLIST\n", f"ffconcat version 1.0\nfile {target.name}\n"):
        path = tmp_path / "playlist.mp4"
        path.write_text(text)
        with pytest.raises(NotMedia):
            read(path)


def test_mp4_without_its_index_is_corrupt(tmp_path: Path, sound: NDArray[np.float32]) -> None:
    with pytest.raises(CorruptMedia):
        read(media_files.write_without_index(tmp_path / "cut.mp4", sound))


def test_mp4_with_an_index_and_no_data_is_corrupt(tmp_path: Path, sound: NDArray[np.float32]) -> None:
    path = media_files.write_truncated(tmp_path / "cut.m4a", sound, keep=1.0)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"mdat") + 4])
    with pytest.raises(CorruptMedia):
        read(path)


@pytest.mark.parametrize("seed", range(8))
def test_random_damage_gives_audio_or_a_refusal(tmp_path: Path, sound: NDArray[np.float32], seed: int) -> None:
    path = media_files.write_truncated(tmp_path / "hurt.m4a", sound, keep=1.0)
    data = bytearray(path.read_bytes())
    generator = np.random.default_rng(seed)
    for position in generator.integers(0, len(data), 200):
        data[position] = int(generator.integers(256))
    path.write_bytes(data)
    try:
        samples, _, _ = read(path)
    except SpeechError:
        return
    assert np.isfinite(samples).all()
    assert len(samples) <= SETTINGS.max_duration * 16_000


def test_cover_picture_is_no_obstacle(tmp_path: Path, sound: NDArray[np.float32]) -> None:
    path = media_files.write_with_cover(tmp_path / "album.mp3", sound)
    samples, _, findings = read(path)
    assert onset(samples) == pytest.approx(0.106, abs=0.03)
    assert findings == []


def test_change_of_format_in_the_middle_is_followed(tmp_path: Path, sound: NDArray[np.float32]) -> None:
    mono = media_files.write_encoded(tmp_path / "mono.aac", "aac", sound, "mono")
    stereo = media_files.write_encoded(
        tmp_path / "stereo.aac", "aac", np.stack([sound[::2], sound[::2]]), "stereo", rate=24_000
    )
    path = tmp_path / "both.aac"
    path.write_bytes(mono.read_bytes() + stereo.read_bytes())
    samples, _, _ = read(path)
    assert len(samples) / 16_000 == pytest.approx(8.0, abs=0.3)
    first, second = samples[: 4 * 16_000], samples[4 * 16_000 :]
    assert np.std(first) == pytest.approx(np.std(second), rel=0.1)


def test_stream_that_appears_late_does_not_end_the_audio(tmp_path: Path, sound: NDArray[np.float32]) -> None:
    heard = media_files.write_encoded(tmp_path / "heard.ts", "aac", sound, "mono")
    film = media_files.write_video(tmp_path / "film.ts", sound, seconds=4)
    path = tmp_path / "broadcast.ts"
    path.write_bytes(heard.read_bytes() * 3 + film.read_bytes() + heard.read_bytes())
    assert len(read(path)[0]) / 16_000 > 15.0


@pytest.mark.parametrize("rate", [0, 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_absurd_rates_are_refused_or_read(tmp_path: Path, sound: NDArray[np.float32], rate: int) -> None:
    path = media_files.write_wav(tmp_path / "odd.wav", sound)
    data = bytearray(path.read_bytes())
    data[24:28] = rate.to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(SpeechError):
        read(path)


def test_unknown_codec_is_refused(tmp_path: Path, sound: NDArray[np.float32]) -> None:
    path = media_files.write_wav(tmp_path / "odd.wav", sound)
    data = bytearray(path.read_bytes())
    data[20:22] = b"\x34\x12"  # a format tag nobody has registered
    path.write_bytes(data)
    with pytest.raises(CodecNotSupported):
        read(path)


def test_recording_beyond_the_limit_is_refused(tmp_path: Path, sound: NDArray[np.float32]) -> None:
    for path in (
        media_files.write_wav(tmp_path / "long.wav", sound),
        media_files.write_encoded(tmp_path / "long.mp3", "libmp3lame", sound, "mono"),
    ):
        with pytest.raises(MediaTooLong, match="limit is 2 s"):
            read(path, SpeechSettings(max_duration=2.0))


def test_too_many_streams_are_refused(tmp_path: Path, sound: NDArray[np.float32]) -> None:
    path = media_files.write_video(tmp_path / "streams.mp4", sound, seconds=1)
    with pytest.raises(TooManyStreams, match="2 streams, the limit is 1"):
        read(path, SpeechSettings(max_streams=1))


def test_infinite_samples_become_finite(tmp_path: Path) -> None:
    samples = np.array([0.1, np.inf, -np.inf, np.nan] * 1000, np.float32)
    path = media_files.write_encoded(tmp_path / "float.wav", "pcm_f32le", samples, "mono", rate=16_000)
    assert np.isfinite(read(path)[0]).all()


def test_absent_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere.mp4")
