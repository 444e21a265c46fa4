"""Two independent WebVTT parsers, webvtt-py and FFmpeg's (through PyAV), brought to one shape."""

import html
import io
import re
from typing import NamedTuple

import av
import webvtt
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

from madang.subtitles.document import Document

_TAG = re.compile(r"<[^>]*>")


class ReadCue(NamedTuple):
    """A cue as a parser saw it; times in milliseconds."""

    id: str
    start: int
    end: int
    lines: tuple[str, ...]


def written(document: Document) -> list[ReadCue]:
    """What every parser should find: times to the millisecond, and no cue shorter than one."""
    return [
        ReadCue(cue.id, start := round(cue.start * 1000), max(round(cue.end * 1000), start + 1), cue.lines)
        for cue in document.cues
    ]


def read_with_webvtt_py(text: str) -> list[ReadCue]:
    """Cues as webvtt-py finds them; it removes tags and leaves character references to us."""
    return [
        ReadCue(
            str(caption.identifier),
            caption.start_time.in_milliseconds(),
            caption.end_time.in_milliseconds(),
            tuple(html.unescape(caption.text).split("\n")),
        )
        for caption in webvtt.from_string(text, strict=True).captions
    ]


def read_with_ffmpeg(text: str) -> list[ReadCue]:
    """Cues as FFmpeg's demuxer finds them."""
    with av.open(io.BytesIO(text.encode()), "r", format="webvtt") as container:
        return [_read_packet(packet) for packet in container.demux(container.streams.subtitles[0]) if packet.size]


def show_with_ffmpeg(text: str) -> list[str]:
    """What FFmpeg's decoder would put on screen: its tag and entity handling, not ours."""
    with av.open(io.BytesIO(text.encode()), "r", format="webvtt") as container:
        stream = container.streams.subtitles[0]
        shown = [stream.codec_context.decode2(packet) for packet in container.demux(stream) if packet.size]
        # An ASS event has eight fields before the text.
        rects = [rect for event in shown if event for rect in event.rects if isinstance(rect, AssSubtitle)]
        return [rect.ass.decode().split(",", 8)[8] for rect in rects]


def _read_packet(packet: "av.Packet[SubtitleStream]") -> ReadCue:
    assert packet.pts is not None
    assert packet.duration is not None
    payload = _TAG.sub("", bytes(packet).decode())
    identifier = bytes(packet.get_sidedata("webvtt_identifier")).decode()
    lines = tuple(html.unescape(payload).split("\n"))
    return ReadCue(identifier, packet.pts, packet.pts + packet.duration, lines)
