"""The committed OpenAPI document is what the code answers."""

import json
from pathlib import Path

from madang.cli.openapi import document

SNAPSHOT = Path(__file__).parents[2] / "openapi.json"


def test_the_committed_document_is_current() -> None:
    assert json.loads(SNAPSHOT.read_text()) == document(), "run: make openapi"


def test_every_operation_has_a_summary_and_a_stable_id() -> None:
    operations = [operation for path in document()["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert [operation["operationId"] for operation in operations if not operation.get("summary")] == []
