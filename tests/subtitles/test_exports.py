import pytest
from hypothesis import given

from madang.subtitles.document import Document, Word
from madang.subtitles.errors import UnknownFormat
from madang.subtitles.exports import export
from madang.subtitles.webvtt import to_webvtt
from tests.subtitles.words import document, say, spoken


def test_webvtt_is_utf_8_and_says_what_it_lost() -> None:
    made = document(say("안녕하세요."), "ko")
    exported = export(made, "vtt")
    assert (exported.media_type, exported.extension) == ("text/vtt", "vtt")
    assert exported.body == to_webvtt(made).text.encode("utf-8")
    assert exported.losses == to_webvtt(made).losses


@given(spoken())
def test_json_loses_nothing(words: list[Word]) -> None:
    made = document(words)
    exported = export(made, "json")
    assert (exported.media_type, exported.extension, exported.losses) == ("application/json", "json", ())
    assert Document.model_validate_json(exported.body) == made


def test_an_empty_document_is_exported_in_every_format() -> None:
    assert export(document([]), "vtt").body
    assert Document.model_validate_json(export(document([]), "json").body) == document([])


@pytest.mark.parametrize("name", ["docx", "VTT", ""])
def test_an_unknown_format_names_those_that_exist(name: str) -> None:
    with pytest.raises(UnknownFormat, match="vtt, json") as refusal:
        export(document([]), name)
    assert refusal.value.code == "unknown-format"
