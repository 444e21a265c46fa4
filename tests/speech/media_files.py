"""Writes small media files, good and bad, for tests of anything that receives uploads."""

import io
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

RECORDING = Path(__file__).parents[1] / "data" / "jfk.flac"
FRAMES_PER_SECOND = 10

Samples = NDArray[np.float32]


def tone(seconds: float, rate: int, frequency: float = 200.0, level: float = 0.1) -> Samples:
    """A mono sine, float32 [n]."""
    times = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * frequency * times)).astype(np.float32)


def decoded(path: Path = RECORDING, rate: int = 48_000) -> Samples:
    """The mono audio of a file at the given rate, read with nothing but PyAV."""
    resampler = av.AudioResampler("flt", "mono", rate, options={"rematrix_maxval": "1.0"})
    with av.open(str(path)) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32)


def write_video(
    path: Path,
    samples: Samples | None = None,
    *,
    seconds: float = 11.0,
    audio_delay: float = 0.0,
    video_delay: float = 0.0,
    faststart: bool = False,
) -> Path:
    """Write a video with a changing picture and, with `samples` (48 kHz mono), AAC or Opus sound by the suffix.

    The delays shift the time stamps of one stream against the other, negative ones included.
    """
    options = {"movflags": "faststart"} if faststart else {}
    with av.open(str(path), "w", options=options) as container:
        video = _video_stream(container)
        codec = "libopus" if path.suffix == ".webm" else "aac"
        audio = None if samples is None else _audio_stream(container, codec, "mono")
        _write_pictures(container, video, seconds, video_delay)
        if audio is not None and samples is not None:
            _write_sound(container, audio, samples, audio_delay)
    return path


def write_video_without_audio(path: Path, seconds: float = 1.0) -> Path:
    """Write a silent film."""
    return write_video(path, None, seconds=seconds)


def write_zero_bytes(path: Path) -> Path:
    """Write an empty file."""
    path.write_bytes(b"")
    return path


def write_text(path: Path) -> Path:
    """Write prose under whatever name."""
    path.write_text("This is a shopping list, not a video.\n" * 100)
    return path


def write_without_index(path: Path, samples: Samples) -> Path:
    """Write an mp4 whose tail is cut off, and with it the index: nothing can be decoded."""
    write_video(path, samples, seconds=len(samples) / 48_000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def write_truncated(path: Path, samples: Samples, keep: float = 0.5) -> Path:
    """Write an audio-only m4a with its index in front, then cut the data to the share `keep`."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        _write_sound(container, _audio_stream(container, "aac", "mono"), samples, 0.0)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    return path


def write_wav(path: Path, samples: NDArray[np.float32], rate: int = 48_000, bits: int = 16) -> Path:
    """Write PCM of 8, 16 or 24 bits; `samples` is float32 [n] or [n, channels], full scale at ±1."""
    frames = samples[:, np.newaxis] if samples.ndim == 1 else samples
    with wave.open(str(path), "wb") as file:
        file.setnchannels(frames.shape[1])
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        file.writeframes(_pcm(frames, bits))
    return path


def write_encoded(path: Path, codec: str, samples: NDArray[np.float32], layout: str, rate: int = 48_000) -> Path:
    """Write sound only, float32 [channels, n], with any codec PyAV can encode (`flac`, `libmp3lame`, `pcm_s24le`…)."""
    with av.open(str(path), "w") as container:
        _write_sound(container, _audio_stream(container, codec, layout, rate), samples, 0.0)
    return path


def write_with_cover(path: Path, samples: Samples) -> Path:
    """Write an mp3 with a picture in its ID3v2 tag, which demuxers show as a video stream of one frame."""
    write_encoded(path, "libmp3lame", samples, "mono")
    picture = b"\x00image/png\x00\x03\x00" + _png()
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\x00\x00" + picture
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\x00\x00" + size + frame + path.read_bytes())
    return path


def _png() -> bytes:
    with io.BytesIO() as file:
        with av.open(file, "w", format="image2pipe") as container:
            stream = container.add_stream("png", 1)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = 16, 16, "rgb24"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")))
            container.mux(stream.encode(None))
        return file.getvalue()


def _pcm(frames: Samples, bits: int) -> bytes:
    scaled = np.clip(frames, -1, 1) * (2 ** (bits - 1) - 1)
    if bits == 8:
        return bytes((scaled + 128).astype(np.uint8).tobytes())
    whole = scaled.astype("<i4").reshape(-1)
    return bytes(whole.view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes())


def _video_stream(container: OutputContainer) -> VideoStream:
    stream = container.add_stream("libvpx" if container.format.name == "webm" else "mpeg4", FRAMES_PER_SECOND)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    return stream


def _audio_stream(container: OutputContainer, codec: str, layout: str, rate: int = 48_000) -> AudioStream:
    stream = container.add_stream(codec, rate)
    assert isinstance(stream, AudioStream)
    stream.layout = layout
    return stream


def _write_pictures(container: OutputContainer, stream: VideoStream, seconds: float, delay: float) -> None:
    for index in range(round(seconds * FRAMES_PER_SECOND)):
        picture = np.full((48, 64, 3), index * 7 % 256, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = round((index / FRAMES_PER_SECOND + delay) * 1000), Fraction(1, 1000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _write_sound(container: OutputContainer, stream: AudioStream, samples: Samples, delay: float) -> None:
    channels = samples.reshape(-1, samples.shape[-1])
    rate = stream.sample_rate
    resampler = av.AudioResampler(stream.format, stream.layout, rate)
    for start in range(0, channels.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(channels[:, start : start + 1024]), format="fltp", layout=stream.layout.name
        )
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = start + round(delay * rate)
        for part in resampler.resample(frame):
            container.mux(stream.encode(part))
    container.mux(stream.encode(None))
