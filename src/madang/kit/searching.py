"""Text as it is searched: without regard to case, width, composition or accents of form.

A trigram index over Hangul syllables answers no question of two syllables, so text and question are taken apart into
jamo (NFKD): 김하나 is eight letters then, and a half-typed syllable finds it.
"""

import unicodedata

_SEPARATOR = "\n"
SHORTEST_SUBSTRING = 3


def searchable(text: str) -> str:
    """Case-folded NFKD (Unicode TR15), in one line; the compatibility jamo that keyboards type become initial ones."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join(folded.replace("\0", "").split())


def together(*texts: str | None) -> str:
    """Several texts as one to search in; nothing is found across two of them."""
    return _SEPARATOR.join(searchable(text) for text in texts if text)
