"""A unit of work holds SQL and nothing else; whatever waits on something else asks here first.

The unit of work sets the mark, the hash pool and every adapter check it, so each test proves the rule.
"""

from contextvars import ContextVar, Token

_holding: ContextVar[bool] = ContextVar("holding_unit", default=False)


def enter_unit() -> Token[bool]:
    if _holding.get():
        raise RuntimeError("a unit of work is already open in this task; pass its session on instead of nesting")
    return _holding.set(True)


def leave_unit(token: Token[bool]) -> None:
    _holding.reset(token)


def forbid_in_unit(what: str) -> None:
    """Raise when a unit of work is open: waiting for `what` would hold a connection and its locks meanwhile."""
    if _holding.get():
        raise RuntimeError(f"{what} inside a unit of work; a unit holds SQL and nothing else")
