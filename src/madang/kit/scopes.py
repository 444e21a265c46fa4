"""The one vocabulary of scopes and permissions: what a token, a key or a role may reach.

A caller reaches what the credential and the role have in common, read anew at each request.
"""

from collections.abc import Iterable
from functools import lru_cache

KEYS = "keys"
OFFLINE = "offline_access"
INTROSPECT = "tokens:introspect"
MEMBER_SCOPES = ("profile", "chat", "captions", "media", KEYS)
ADMIN_SCOPES = (
    "admin:users",
    "admin:roles",
    "admin:audit",
    "admin:webhooks",
    "admin:impersonate",
    "admin:operations",
    INTROSPECT,
)
ALL_SCOPES = (*MEMBER_SCOPES, *ADMIN_SCOPES, OFFLINE)
# What an API key never holds: making other keys, and a session's refresh token.
NOT_FOR_KEYS = frozenset({KEYS, OFFLINE})

# What every role reaches: being somebody, and staying signed in.
ALWAYS = ("profile", OFFLINE)
# What a role may be given beside that.
PERMISSIONS = tuple(scope for scope in (*MEMBER_SCOPES, *ADMIN_SCOPES) if scope not in ALWAYS)
EVERYTHING = "*"


@lru_cache(maxsize=1000)
def reach(stored: str | None) -> frozenset[str]:
    """What a role reaches at most, by its permissions as stored; `*` is everything, whatever is added later."""
    return frozenset(ALL_SCOPES) if stored == EVERYTHING else frozenset({*ALWAYS, *(stored or "").split()})


def in_order(scopes: Iterable[str]) -> str:
    """As RFC 6749 §3.3 writes them, in the order of the vocabulary."""
    held = set(scopes)
    return " ".join(scope for scope in ALL_SCOPES if scope in held)
