"""Every published fact is in the table that people read."""

from pathlib import Path

import madang.worker
from madang.kit.event import Event

DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_the_architecture_lists_every_fact() -> None:
    assert madang.worker.HANDLERS, "importing the worker imports every feature's facts"
    names = [kind.name for kind in Event.__subclasses__() if kind.__module__.startswith("madang.")]
    table = DOCUMENT.read_text()
    assert len(names) == len(set(names))
    assert [name for name in names if f"`{name}`" not in table] == []
