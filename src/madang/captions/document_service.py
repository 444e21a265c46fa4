"""The caption document: made from a transcript, read, and written in other formats."""

import asyncio
from dataclasses import dataclass
from pathlib import PurePath
from uuid import UUID

from madang.captions.errors import CaptionNotFound, CaptionNotReady, UnknownFormat
from madang.captions.models import Caption, CaptionDocument
from madang.captions.repository import CaptionRepository
from madang.db.session import Database
from madang.speech import transcript as speech
from madang.subtitles import document as subtitles
from madang.subtitles.build import build_document
from madang.subtitles.document import Document
from madang.subtitles.exports import FORMATS, Export, export


@dataclass(frozen=True, slots=True)
class NamedExport:
    """A written file and what to call it."""

    file: Export
    filename: str


class DocumentService:
    """Opens a short unit of its own to read, since writing a format takes a core for a while, and no connection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, account_id: UUID, caption_id: UUID) -> CaptionDocument:
        """Raises `CaptionNotFound`, or `CaptionNotReady` while there is none."""
        return (await self._read(account_id, caption_id))[1]

    async def export(self, account_id: UUID, caption_id: UUID, format: str) -> NamedExport:  # noqa: A002 - as in the query
        """The document in that format; raises `UnknownFormat` with the formats there are, too."""
        caption, document = await self._read(account_id, caption_id)
        if format not in FORMATS:
            raise UnknownFormat(format=format, known=", ".join(FORMATS))
        written = await asyncio.to_thread(_written, document.content, format)
        return NamedExport(written, f"{PurePath(caption.filename).stem or 'captions'}.{written.extension}")

    async def _read(self, account_id: UUID, caption_id: UUID) -> tuple[Caption, CaptionDocument]:
        async with self._database.read_unit() as session:
            captions = CaptionRepository(session)
            caption = await captions.own(account_id, caption_id)
            document = await captions.document(caption_id) if caption is not None else None
        if caption is None:
            raise CaptionNotFound
        if document is None:
            raise CaptionNotReady(state=caption.state)
        return caption, document


def document_of(transcript: speech.Transcript, profile: str | None = None) -> Document:
    """The captions of a transcript, cut by the profile; may take a second for hours of speech."""
    engine = transcript.engine
    return build_document(
        [_word(word) for word in transcript.words],
        language=transcript.language,
        duration=transcript.duration,
        engine=subtitles.Engine(name=engine.name, version=engine.version, model=engine.model),
        reason=transcript.reason,
        findings=[_finding(finding) for finding in transcript.findings],
        profile=profile,
    )


def _word(word: speech.Word) -> subtitles.Word:
    """To the millisecond, hundredth of a decibel and tenth of a hertz: finer digits are no measurement."""
    marks = word.marks
    return subtitles.Word(
        text=word.text,
        start=round(word.start, 3),
        end=round(word.end, 3),
        confidence=_rounded(word.confidence, 3),
        speaker=word.speaker,
        loudness_db=_rounded(word.loudness_db, 2),
        loudness_dbfs=_rounded(word.loudness_dbfs, 2),
        pitch_hz=_rounded(word.pitch_hz, 1),
        centroid_hz=_rounded(word.centroid_hz, 1),
        marks=subtitles.Marks(time=marks.time, loudness=marks.loudness, pitch=marks.pitch, speaker=marks.speaker),
        flags=word.flags,
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _finding(finding: speech.Finding) -> subtitles.Finding:
    return subtitles.Finding(code=finding.code, start=finding.start, end=finding.end, detail=finding.detail)


def _written(content: str, format: str) -> Export:  # noqa: A002 - as in the query
    return export(Document.model_validate_json(content), format)
