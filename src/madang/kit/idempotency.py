"""The header `Idempotency-Key`: the same key with the same body gets the same answer, with another body a refusal."""

import hashlib

from pydantic import BaseModel

from madang.kit.problems import Invalid, Text

LONGEST_KEY = 200


class IdempotencyKeyReused(Invalid):
    code = "idempotency-key-reused"
    title = Text("This idempotency key belongs to another request", "다른 요청에 사용한 멱등 키입니다")
    detail = Text(
        "The same Idempotency-Key came with another body; use a new key for a new request.",
        "같은 Idempotency-Key가 다른 본문과 함께 왔습니다. 새 요청에는 새 키를 사용하세요.",
    )


def fingerprint(body: BaseModel) -> str:
    """What tells one body from another, whatever the order of its members was."""
    return hashlib.sha256(body.model_dump_json().encode()).hexdigest()
