"""Words for the tests: plain ones spoken at an even pace, and hostile ones drawn by hypothesis."""

from itertools import accumulate

from hypothesis import strategies as st

from madang.subtitles.build import build_document
from madang.subtitles.document import Document, Engine, Marks, Word

ENGINE = Engine(name="pocketsphinx", version="5.1.0", model="en-us")


def word(
    text: str,
    start: float = 0.0,
    end: float | None = None,
    *,
    speaker: str | None = None,
    loudness: float | None = None,
    pitch: float | None = None,
    confidence: float | None = None,
) -> Word:
    """A word; whatever is not given is missing."""
    return Word(
        text=text,
        start=start,
        end=start + 0.3 if end is None else end,
        confidence=confidence,
        speaker=speaker,
        loudness_db=loudness,
        loudness_dbfs=None if loudness is None else loudness - 23,
        pitch_hz=pitch,
        marks=Marks(
            time="measured",
            loudness="missing" if loudness is None else "measured",
            pitch="missing" if pitch is None else "measured",
            speaker="missing" if speaker is None else "estimated",
        ),
    )


def say(
    text: str, start: float = 0.0, *, each: float = 0.3, pause: float = 0.05, speaker: str | None = None
) -> list[Word]:
    """The text's words, each `each` seconds long with `pause` seconds between."""
    return [
        word(spoken, start + index * (each + pause), start + index * (each + pause) + each, speaker=speaker)
        for index, spoken in enumerate(text.split())
    ]


def document(words: list[Word], language: str = "en", profile: str | None = None) -> Document:
    """A document of the words that lasts a second longer than they do."""
    return build_document(
        words,
        language=language,
        duration=max((word.end for word in words), default=0) + 1,
        engine=ENGINE,
        reason=None if words else "no-audio",
        findings=[],
        profile=profile,
    )


HOSTILE = [
    "-->",
    "00:00:01.000 --> 00:00:02.000",
    "<b>",
    "</v>",
    "<00:00:01.000>",
    "&amp;",
    "&lt;c&gt;",
    "&#x3c;",
    "NOTE",
    "STYLE",
    "WEBVTT",
    "a\nb",
    "a\n\nb",
    "\r\n",
    "a\x00b",
    "\x1b[31m",
    "\u2028",
    "\ufeff",
    "\u202eabc",
    "שלום",
    "مرحبا،",
    "👩‍👩‍👧‍👦",
    "🇰🇷",
    "안녕하세요.",
    "각",
    "今日",
    "ね。",
    "สวัสดี",
    "e\u0301",
    "\u0301",
    "\\N{\\i1}",
    "x" * 90,
    "가" * 40,
    "",
    "   ",
]
texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=12),
    st.sampled_from(["and", "the cat", "sat.", "Well,", "no!", "네", "그리고"]),
)
seconds = st.floats(min_value=0.001, max_value=9, allow_nan=False)
speakers = st.sampled_from([None, "SPEAKER_00", "SPEAKER_01", "A & <B> --> C"])
origins = st.sampled_from([0.0, 1.5, 3599.9995, 360_000.0, 99_999_999.0])


@st.composite
def spoken(draw: st.DrawFn, *, may_overlap: bool = True) -> list[Word]:
    """Up to thirty words in order of start, anywhere between the beginning and three years into the media."""
    drawn = draw(st.lists(st.tuples(texts, seconds, seconds, speakers), max_size=30))
    steps = [length + rest if not may_overlap else rest for _, length, rest, _ in drawn]
    starts = accumulate(steps[:-1], initial=draw(origins)) if drawn else []
    return [
        word(text, start, start + length, speaker=speaker)
        for (text, length, _, speaker), start in zip(drawn, starts, strict=True)
    ]
