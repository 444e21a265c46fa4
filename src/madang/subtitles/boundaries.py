"""How natural it is to break between two words: by punctuation, by what the next word is, and by silence."""

import re

from madang.subtitles.document import Word

# Closing quotes and brackets may follow the mark that ends a sentence or a clause.
_SENTENCE_END = re.compile(r"[.!?…。！？｡][\"'”’»」』)\]]*$")
_CLAUSE_END = re.compile(r"[,;:、，；：—–][\"'”’»」』)\]]*$")
_ABBREVIATION = re.compile(r"^(?:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|[a-z](?:\.[a-z])*)\.$", re.IGNORECASE)


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CONJUNCTIONS = _listed(
    "and but or nor so yet because although though if when while unless until since that which who whose where "
    "그리고 하지만 그런데 그래서 그러나 그러면 그러니까 그래도 따라서 또는 혹은 왜냐하면 근데"
)
_PREPOSITIONS = _listed("about after at before between by for from in into of on over through to under with")
_DETERMINERS = _listed("a an the my your his her its our their this very not no i we you he she they")
# Words that belong to the one after them: a break after these reads badly.
_CLINGING = _DETERMINERS | _PREPOSITIONS | _CONJUNCTIONS

# A breath within a phrase stays under 0.15 s; a silence of 0.5 s ends the phrase whatever the words are.
_BREATH = 0.15
_PHRASE_END = 0.5


def strength(left: Word, right: Word) -> float:
    """0 where a cue should run on, 1 where it should end: the stronger of what the text and the silence say."""
    return max(text_strength(left.text, right.text), _pause_strength(right.start - left.end))


def text_strength(left: str, right: str) -> float:
    """The same judged from the text alone, as line breaking does (Netflix General Requirements, "Line Treatment")."""
    if _SENTENCE_END.search(left) and not _ABBREVIATION.match(left):
        return 1.0
    if _CLAUSE_END.search(left):
        return 0.7
    if _bare(left) in _CLINGING:
        return 0.0
    if _bare(right) in _CONJUNCTIONS:
        return 0.5
    return 0.35 if _bare(right) in _PREPOSITIONS else 0.2


def _pause_strength(seconds: float) -> float:
    return min(1.0, max(0.0, (seconds - _BREATH) / (_PHRASE_END - _BREATH)))


def _bare(word: str) -> str:
    return word.strip("\"'“‘«「『([,.").lower()
