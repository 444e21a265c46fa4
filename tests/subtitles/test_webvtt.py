import webvtt
from hypothesis import given
from hypothesis import strategies as st

from madang.subtitles.document import Cue, Document, Speaker, Word
from madang.subtitles.webvtt import escape, timestamp, to_webvtt
from tests.subtitles.readers import read_with_ffmpeg, read_with_webvtt_py, show_with_ffmpeg, written
from tests.subtitles.words import document, say, spoken, texts, word


def test_a_file_has_engine_ids_voices_and_word_times() -> None:
    made = document([word("Hello", 1, 1.4, speaker="A"), word("world.", 1.5, 2, speaker="A")])
    assert to_webvtt(made).text == (
        "WEBVTT\n\n"
        "NOTE\nEngine: pocketsphinx 5.1.0 (en-us)\nLanguage: en\nDocument: version 1, revision 1\n\n"
        "c1\n00:00:01.000 --> 00:00:02.000\n<v A>Hello <00:00:01.500>world.\n"
    )


def test_a_named_speaker_is_written_by_name() -> None:
    made = document(say("Hi.", speaker="SPEAKER_00"))
    named = made.model_copy(update={"speakers": (Speaker(id="SPEAKER_00", name="Tom & <Ann>"),)})
    assert "<v Tom &amp; &lt;Ann&gt;>Hi." in to_webvtt(named).text


def test_an_unknown_speaker_has_no_voice_span() -> None:
    assert "<v" not in to_webvtt(document(say("Hi."))).text


def test_markup_arrows_line_ends_and_nul_are_defused() -> None:
    assert escape("<b> & --> a\n\nb\x00") == "&lt;b&gt; &amp; --&gt; a b\ufffd"


def test_hours_grow_past_ninety_nine() -> None:
    assert timestamp(0) == "00:00:00.000"
    assert timestamp(359_999_999) == "99:59:59.999"
    assert timestamp(360_000_000) == "100:00:00.000"


def test_word_times_stay_within_the_cue_and_increase() -> None:
    words = (word("a", 1, 2), word("b", 1, 2), word("c", 1.5, 2), word("d", 1.2, 2), word("e", 9, 10))
    cue = Cue(id="c1", start=1, end=3, text="a b c d e", lines=("a b", "c d e"), words=words)
    made = document([]).model_copy(update={"cues": (cue,)})
    assert to_webvtt(made).text.endswith("a b\n<00:00:01.500>c d e\n")


def test_edited_lines_are_written_without_word_times_and_say_so() -> None:
    made = document(say("Helo world."))
    edited = made.cues[0].model_copy(update={"text": "Hello world.", "lines": ("Hello world.",)})
    text, losses = to_webvtt(made.model_copy(update={"cues": (edited,)}))
    assert text.endswith("\nHello world.\n")
    assert "word-times" in losses
    assert "word-times" not in to_webvtt(made).losses


def test_losses_name_what_the_document_held() -> None:
    bare = document(say("Hi."))
    rich = document(
        [word("Hi.", 0, 0.2, speaker="A", loudness=2, pitch=180, confidence=0.9), word("Oh!", 0.3, speaker="B")]
    )
    assert to_webvtt(document([])).losses == ("duration",)
    assert set(to_webvtt(bare).losses) == {"word-ends", "marks", "duration"}
    lost = {"word-ends", "marks", "duration", "loudness", "pitch", "confidence", "statistics", "lint"}
    assert set(to_webvtt(rich).losses) == lost


def test_findings_and_what_is_known_of_a_speaker_are_losses() -> None:
    heard = document([word("", 0), word("Hi.", 1, speaker="A")])
    known = heard.model_copy(update={"speakers": (Speaker(id="A", off_camera=True),)})
    assert {"findings", "speaker-details"} <= set(to_webvtt(known).losses)


def test_ffmpeg_shows_the_text_without_its_markup() -> None:
    made = document(
        [word("<b>", 0, 0.5, speaker="A"), word("&", 0.5, 0.8, speaker="A"), word("-->", 0.9, 2, speaker="A")]
    )
    assert show_with_ffmpeg(to_webvtt(made).text) == ["<b> & -->"]


def test_an_empty_document_is_a_valid_file() -> None:
    text = to_webvtt(document([])).text
    assert read_with_webvtt_py(text) == read_with_ffmpeg(text) == []
    assert "Reason: no-audio" in text


@given(spoken())
def test_independent_parsers_read_what_was_written(words: list[Word]) -> None:
    made = document(words)
    text = to_webvtt(made).text
    assert read_with_webvtt_py(text) == written(made)
    assert read_with_ffmpeg(text) == written(made)


@given(st.lists(texts.filter(lambda text: bool(text.strip())), min_size=1, max_size=3), texts)
def test_edited_text_reads_back_too(lines: list[str], name: str) -> None:
    cue = Cue(id="c1", start=0, end=1, speaker="A", text=" ".join(lines), lines=tuple(lines))
    speaker = Speaker(id="A", name=name if name.strip() else None)
    made = document([]).model_copy(update={"cues": (cue,), "speakers": (speaker,)})
    text = to_webvtt(made).text
    assert read_with_webvtt_py(text) == read_with_ffmpeg(text) == written(made)


@given(texts)
def test_no_engine_or_language_escapes_its_comment(hostile: str) -> None:
    made = document(say("Hi."))
    engine = made.engine.model_copy(update={"name": hostile, "model": hostile})
    changed: Document = made.model_copy(update={"engine": engine, "language": hostile, "reason": hostile})
    text = to_webvtt(changed).text
    assert read_with_webvtt_py(text) == read_with_ffmpeg(text) == written(made)
    assert len(webvtt.from_string(text).header_comments) == 1
