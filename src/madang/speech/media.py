"""Opens an untrusted media file: which formats are read, which stream is heard, what the container declares."""

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import filetype
from av.audio.stream import AudioStream
from av.container import InputContainer

from madang.speech.errors import CodecNotSupported, CorruptMedia, MediaTooLong, NotMedia, TooManyStreams
from madang.speech.settings import SpeechSettings

FORMATS = (
    "mov,matroska,webm,mp3,aac,wav,w64,flac,ogg,mpegts,mpeg,avi,asf,flv,aiff,caf,au,amr,ac3,eac3,wv,tta,ape,dts,mxf,gxf,"
    "h264,hevc,m4v,ivf,dv"
)
"""Demuxers that read one file and nothing else. Playlists (HLS, DASH, concat) are left out: they name other files and
addresses, and an uploaded playlist must not make the server fetch them. So are images and text."""

BARE = ("mp3", "aac", "ac3", "eac3", "dts", "amr", "h264", "hevc", "m4v")
"""Streams without a container; all others declare a duration or carry time stamps to the end."""

MATROSKA_DURATION = re.compile(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d+)?)")
"""Matroska declares no length per track; muxers write the track's end into a tag instead."""


@contextmanager
def open_media(path: Path, settings: SpeechSettings) -> Iterator[InputContainer]:
    """Open the container and check the limits.

    Raises NotMedia, CorruptMedia, TooManyStreams, MediaTooLong; OSError when the file cannot be read at all.
    """
    with _open(path) as container:
        if len(container.streams) > settings.max_streams:
            raise TooManyStreams(len(container.streams), settings.max_streams)
        declared = declared_duration(container) or 0.0
        if declared > settings.max_duration:
            raise MediaTooLong(declared, settings.max_duration)
        yield container


def best_audio(container: InputContainer) -> AudioStream | None:
    """Return the stream a player would play, None without one; raises CodecNotSupported."""
    if not container.streams.audio:
        return None
    stream = container.streams.best("audio") or container.streams.audio[0]
    if not isinstance(stream, AudioStream) or stream.codec_context is None:
        raise CodecNotSupported
    return stream


def origin(container: InputContainer) -> float:
    """Return the time stamp, in seconds, that players show as zero: the start of the earliest stream."""
    return float(container.start_time or 0) / av.time_base


def declared_duration(container: InputContainer) -> float | None:
    """Return the length in seconds as the file itself declares it, None where it would be an estimate."""
    if is_bare(container) or not container.duration:
        return None
    return float(container.duration) / av.time_base


def declared_end(container: InputContainer, stream: AudioStream) -> float | None:
    """Return where the audio should end, in seconds on the media's timeline; None where the file does not say."""
    if is_bare(container):
        return None
    if stream.duration is not None and stream.time_base is not None:
        start = float((stream.start_time or 0) * stream.time_base) - origin(container)
        return start + float(stream.duration * stream.time_base) * _declared_share(container)
    tagged = MATROSKA_DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    if tagged is not None:
        hours, minutes, seconds = tagged.groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds) - origin(container)
    return declared_duration(container) if len(container.streams) == 1 else None


def _declared_share(container: InputContainer) -> float:
    """Return declared by actual length of a RIFF file: the WAV demuxer quietly trims the duration to what is there."""
    if container.format.name != "wav":
        return 1.0
    with Path(container.name.removeprefix("file:")).open("rb") as file:
        magic, declared = struct.unpack("<4sI", file.read(8))
    is_known = magic == b"RIFF" and declared != 0xFFFFFFFF  # noqa: PLR2004 - written by programs that cannot seek
    return max(1.0, (declared + 8) / container.size) if is_known else 1.0


def is_bare(container: InputContainer) -> bool:
    """Tell whether the file is a bare stream: its duration is a guess, its time stamps are counted, not stored."""
    return container.format.name in BARE


def _open(path: Path) -> InputContainer:
    with path.open("rb") as file:  # so that from here on every error is about what is inside
        if not file.read(1):
            raise NotMedia("it is empty")
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        return av.open(f"file:{path.resolve()}", mode="r", container_options=options, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: Exception) -> NotMedia | CorruptMedia:
    kind = filetype.guess(str(path))
    if kind is not None and kind.mime.startswith(("audio/", "video/")):
        return CorruptMedia(getattr(error, "strerror", None) or "its structure cannot be read")
    return NotMedia(f"it looks like {kind.mime}" if kind is not None else "its format is not known")
