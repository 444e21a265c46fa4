"""Facts of the house itself."""

from typing import ClassVar

from madang.kit.event import Event


class HousekeepingDue(Event):
    """Time to sweep what retention no longer keeps; every feature with such rows handles it."""

    name: ClassVar[str] = "outbox.housekeeping_due.v1"
