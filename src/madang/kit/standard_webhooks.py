"""Signed calls to others, after the Standard Webhooks specification (standardwebhooks.com), version 1.

Signed is `id.timestamp.body` with HMAC-SHA256 under each secret that is valid; the receiver takes any that fits.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


def headers(message_id: UUID, at: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """`at` is the time of this try, so that a receiver can refuse what is replayed by others."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(
            _signature(secret, f"{message_id}.{timestamp}.".encode() + body) for secret in secrets
        ),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
