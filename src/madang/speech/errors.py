"""Refusals of the library. Each has a stable `code`; its text says what happened and what to do.

SpeechError
├── NotMedia               empty, or no audio or video format this library reads
├── CorruptMedia           a media file that fails before any audio could be decoded
├── CodecNotSupported      no decoder for the audio stream
├── MediaTooLong           beyond the limit on duration
├── TooManyStreams         beyond the limit on streams
├── UnknownEngine          no recogniser of that name
└── LanguageNotSupported   the recogniser does not speak that language

The values are the exception's arguments, so every one of them survives pickling between processes.
"""

from typing import ClassVar


class SpeechError(Exception):
    """Base of all refusals; `text` is a template over the arguments."""

    code: ClassVar[str] = "speech-error"
    text: ClassVar[str] = "The analysis failed: {0}"

    def __str__(self) -> str:
        return self.text.format(*self.args)


class NotMedia(SpeechError):
    """Arguments: why it is none."""

    code = "not-media"
    text = "This is not an audio or video file: {0}. Choose a recording such as mp4, mkv, webm, mov, mp3, m4a or wav."


class CorruptMedia(SpeechError):
    """Arguments: what the demuxer or decoder said."""

    code = "corrupt-media"
    text = "The file is damaged and no audio could be read from it: {0}. Upload it again or export it anew."


class CodecNotSupported(SpeechError):
    """No arguments."""

    code = "codec-not-supported"
    text = "There is no decoder for the audio codec of this file. Convert the audio to AAC, MP3, Opus, FLAC or PCM."


class MediaTooLong(SpeechError):
    """Arguments: duration and limit in seconds."""

    code = "media-too-long"
    text = "The recording lasts at least {0:.0f} s, the limit is {1:.0f} s. Cut it, or have the limit raised."


class TooManyStreams(SpeechError):
    """Arguments: number of streams and limit."""

    code = "too-many-streams"
    text = "The file holds {0} streams, the limit is {1}. Export it with the video and audio you need only."


class UnknownEngine(SpeechError):
    """Arguments: the name asked for, the names known (comma separated)."""

    code = "unknown-engine"
    text = "There is no speech engine named {0!r}. Choose one of: {1}."


class LanguageNotSupported(SpeechError):
    """Arguments: the language asked for, the engine, the languages it speaks (comma separated)."""

    code = "language-not-supported"
    text = "The speech engine {1} does not speak {0!r}; it speaks: {2}. Choose one of these or another engine."
