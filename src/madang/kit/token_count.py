"""How many tokens a text may be, before anybody who knows has counted."""

_LETTERS_PER_TOKEN = 2


def likely_tokens(letters: int) -> int:
    """Each model has its own tokenizer, and most publish none that runs here. About four letters of English are one
    token, and one syllable of Korean is; what is taken by this estimate is settled with what the upstream counts."""
    return -(-letters // _LETTERS_PER_TOKEN)
