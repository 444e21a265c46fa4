"""The port of breached passwords: a folder, or a service that answers ranges of hashes."""

from pathlib import Path

import httpx2

from madang.backends.breaches.base import Breaches


def open_breaches(place: str, outbound: httpx2.AsyncClient) -> Breaches | None:
    """The corpus at that folder or URL; None when none is set."""
    if not place:
        return None
    if place.startswith(("http://", "https://")):
        from madang.backends.breaches.service import BreachService

        return BreachService(place, outbound)
    from madang.backends.breaches.folder import BreachFolder

    return BreachFolder(Path(place.removeprefix("file:")))
