"""The passwords that guessers try first: the 30,000 most frequent ones that the `zxcvbn` package ships."""

from functools import cache


def is_common(password: str) -> bool:
    """Whether the password, without regard to case, is one of them."""
    return password.casefold() in _list()


@cache
def _list() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])
