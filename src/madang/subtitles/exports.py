"""Every format a document can be written in, by name."""

from collections.abc import Callable
from dataclasses import dataclass

from madang.subtitles.document import Document
from madang.subtitles.errors import UnknownFormat
from madang.subtitles.webvtt import to_webvtt


@dataclass(frozen=True)
class Export:
    """A written file. `extension` has no dot; `losses` names what the format could not carry (see `losses`)."""

    body: bytes | str
    media_type: str
    extension: str
    losses: tuple[str, ...]


def export(document: Document, format: str) -> Export:  # noqa: A002  the query parameter is called `format`
    """The document in this format: `vtt` or `json`; raises `UnknownFormat` with the names that exist."""
    if format not in FORMATS:
        raise UnknownFormat(format, FORMATS)
    return FORMATS[format](document)


def _vtt(document: Document) -> Export:
    text, losses = to_webvtt(document)
    return Export(text.encode(), "text/vtt", "vtt", losses)


def _json(document: Document) -> Export:
    return Export(f"{document.model_dump_json(indent=2)}\n".encode(), "application/json", "json", ())


FORMATS: dict[str, Callable[[Document], Export]] = {"vtt": _vtt, "json": _json}
