"""Signed links of the embedded storage: what they allow travels in them, under a key nobody else has."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from pydantic import BaseModel, ConfigDict, ValidationError

from madang.kit.clock import Clock, utc_now

LINK_PATH = "/api/v1/media/links"
_LONGEST_TOKEN = 4096


class BadLink(Exception):
    """The token was not made here, was changed, or allows something else."""


class LinkExpired(Exception):
    """The token was good once."""


class Link(BaseModel):
    """What one link allows: PUT one part of exactly `size` bytes, or GET the file with these headers."""

    model_config = ConfigDict(frozen=True)

    method: str
    key: str
    content_type: str
    part_number: int = 0
    size: int = 0
    disposition: str = ""


class Links:
    """Makes and reads tokens. The first key signs, all are accepted, so a change of secret breaks no upload."""

    def __init__(self, keys: Sequence[bytes], public_url: str = "", clock: Clock = utc_now) -> None:
        self._public_url = public_url
        self._clock = clock
        self._serializer = URLSafeSerializer(
            list(reversed(keys)),  # itsdangerous signs with the last one
            salt=b"madang storage link",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    def url(self, link: Link, expires_in: timedelta) -> str:
        """The link's URL; without a public URL it is relative to this server.

        The moment of expiry is signed with the rest, since each link has a life of its own.
        """
        expires_at = (self._clock() + expires_in).timestamp()
        token = self._serializer.dumps([expires_at, link.model_dump(exclude_defaults=True)])
        return f"{self._public_url}{LINK_PATH}/{token}"

    def read(self, token: str, method: str) -> Link:
        """What a token allows; raises `BadLink` or `LinkExpired`."""
        expires_at, content = self._load(token)
        try:
            link = Link.model_validate(content)
        except ValidationError:
            raise BadLink from None
        if link.method != method:
            raise BadLink
        if self._clock().timestamp() >= expires_at:
            raise LinkExpired
        return link

    def _load(self, token: str) -> tuple[float, Any]:
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            raise BadLink
        try:
            expires_at, content = self._serializer.loads(token)
        except (BadData, TypeError, ValueError):
            raise BadLink from None
        return float(expires_at), content
