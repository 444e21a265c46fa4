"""The committed documents of calls and events are what the code answers and publishes."""

import json
import re
from pathlib import Path

from madang.cli.openapi import document, event_document

ROOT = Path(__file__).parents[2]
SNAPSHOT = ROOT / "openapi.json"


def test_the_committed_document_is_current() -> None:
    assert json.loads(SNAPSHOT.read_text()) == document(), "run: make openapi"


def test_every_operation_has_a_summary_and_a_stable_id() -> None:
    operations = [operation for path in document()["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert [operation["operationId"] for operation in operations if not operation.get("summary")] == []


def test_the_committed_document_of_events_is_current_and_refers_to_what_is_there() -> None:
    made = event_document()
    assert json.loads((ROOT / "asyncapi.json").read_text()) == made, "run: make openapi"
    assert len(made["channels"]) > 20
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps({**made, "components": {}})):
        target = made
        for name in reference.split("/"):
            target = target[name]
        assert target
