"""What a file really is, by its first bytes; neither its name nor what its sender says counts."""

import re
from pathlib import Path

import filetype

_HEAD_BYTES = 8192
_IANA = {"audio/x-flac": "audio/flac", "audio/x-wav": "audio/wav", "audio/x-aiff": "audio/aiff"}
_REFUSED = {"audio/midi"}
_FURTHER = [
    (rb"....ftypqt  ", "video/quicktime"),
    (rb"....ftyp(iso[2-9]|avc1|dash|mp4|M4V|MSNV|f4v|cmf)", "video/mp4"),
    (rb"....ftyp3g[2ps]", "video/3gpp"),
    (rb"....ftypM4[AB]", "audio/mp4"),
    (rb"....(moov|mdat|wide)", "video/quicktime"),
    (rb"\x1aE\xdf\xa3.{0,100}matroska", "video/x-matroska"),
    (rb"\x1aE\xdf\xa3.{0,100}webm", "video/webm"),
    (rb"(RF64|BW64)....WAVE|riff.{20}wave", "audio/wav"),
    (rb"FORM....AIF[FC]", "audio/aiff"),
    (rb"caff\x00\x01", "audio/x-caf"),
    (rb"\xff[\xfa\xe2\xe3]", "audio/mpeg"),
    (rb"\.snd", "audio/basic"),
    (rb"G.{187}G.{187}G", "video/mp2t"),
]
"""Containers that `filetype` does not know, or knows in their commonest form only."""


def is_sound_or_film(media_type: str) -> bool:
    """Whether a sender's media type may be that of audio or video; some systems only say that it is a file."""
    containers = {"application/octet-stream", "application/ogg", "application/mp4", "application/mxf"}
    return media_type.startswith(("audio/", "video/")) or media_type in containers


def opens_in_page(media_type: str) -> bool:
    """Audio, video and raster images run nothing; whatever else people sent is only ever saved to disk."""
    return media_type.startswith(("audio/", "video/", "image/")) and "svg" not in media_type


def detect(path: Path) -> str | None:
    """The media type of an audio or video container; None for anything else."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    kind = filetype.guess(head)
    if kind is None:
        return next((name for magic, name in _FURTHER if re.match(magic, head, re.DOTALL)), None)
    known = _IANA.get(kind.mime, kind.mime)
    return known if known.startswith(("audio/", "video/")) and known not in _REFUSED else None
