"""What a new password must be (NIST SP 800-63B-4 §3.1.1.2): long, not common, not breached, not one's own name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from madang.accounts.errors import (
    PasswordBreached,
    PasswordHasName,
    PasswordNeedsMixture,
    PasswordTooCommon,
    PasswordTooShort,
)
from madang.backends.breaches.base import Breaches, BreachesUnavailable
from madang.kit.common_passwords import is_common
from madang.kit.hashing import normalise

PRODUCT = ("madang", "마당")
_SHORTEST_NAME = 3
_MIXTURE = (r"[A-Z]", r"[a-z]", r"\d")
log = structlog.get_logger("madang.accounts")


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """The rules of one installation. `needs_mixture` is the source systems' rule of upper case, lower case and digit.

    A corpus of breaches that can't be asked lets the password pass and is logged: its absence must not close sign-up.
    """

    minimum: int
    needs_mixture: bool = False
    breaches: Breaches | None = None

    async def check(self, password: str, names: Iterable[str | None], field: str = "password") -> None:
        """Raises the problem of the first rule that is broken, pointing at `field`; `names` are the account's own."""
        text = normalise(password)
        pointer = f"/{field}"
        if len(text) < self.minimum:
            raise PasswordTooShort(pointer, minimum=self.minimum)
        if self.needs_mixture and not all(re.search(kind, text) for kind in _MIXTURE):
            raise PasswordNeedsMixture(pointer)
        if is_common(text):
            raise PasswordTooCommon(pointer)
        if any(name in text.casefold() for name in _forbidden(names)):
            raise PasswordHasName(pointer)
        if await self._is_breached(text):
            raise PasswordBreached(pointer)

    async def _is_breached(self, password: str) -> bool:
        if self.breaches is None:
            return False
        try:
            return await self.breaches.contains(password)
        except BreachesUnavailable as error:
            log.warning("breached passwords not checked", reason=str(error))
            return False


def _forbidden(names: Iterable[str | None]) -> Iterable[str]:
    """The product's names and the account's own: its id, the local part of its address, its name as a whole.

    Names of one or two Latin letters are left out, since half of all sentences contain them.
    """
    yield from PRODUCT
    for name in names:
        word = normalise(name or "").partition("@")[0].strip().casefold()
        if len(word) >= _SHORTEST_NAME or (len(word) > 1 and not word.isascii()):
            yield word
