"""What an `s3://` URL says: the bucket, and where and how to reach it."""

from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from madang.backends.storage.base import InvalidKey
from madang.backends.storage.keys import check_key
from madang.settings import BadSettings

FORM = "s3://bucket?endpoint_url=…&public_endpoint_url=…&region=…&prefix=…&addressing_style=…"
_OPTIONS = {"endpoint_url", "public_endpoint_url", "region", "prefix", "addressing_style"}
_STYLES = {"", "auto", "path", "virtual"}


@dataclass(frozen=True, slots=True)
class S3Url:
    """Without endpoint it is AWS; without keys boto3 looks where it always does (AWS_… variables, files, roles)."""

    bucket: str
    endpoint_url: str
    public_endpoint_url: str
    region: str
    prefix: str
    addressing_style: str
    access_key: str = ""
    secret_key: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises `BadSettings`, which says what is wrong without showing the URL: a secret may be in it."""
        parts = urlsplit(url)
        if not parts.hostname or parts.path.strip("/"):
            raise _fault(f"needs the form {FORM}")
        options = _options(parts.query)
        endpoint = options["endpoint_url"]
        return cls(
            bucket=parts.hostname,
            endpoint_url=endpoint,
            public_endpoint_url=options["public_endpoint_url"] or endpoint,
            region=options["region"],
            prefix=_prefix(options["prefix"]),
            addressing_style=options["addressing_style"] or ("path" if endpoint else "auto"),
            access_key=unquote(parts.username or ""),
            secret_key=unquote(parts.password or ""),
        )

    def __str__(self) -> str:
        """The address without its secret, for people."""
        where = f" at {self.endpoint_url}" if self.endpoint_url else ""
        return f"s3://{self.bucket}/{self.prefix}{where}"


def _options(query: str) -> dict[str, str]:
    try:
        given = {name: values[-1] for name, values in parse_qs(query, strict_parsing=bool(query)).items()}
    except ValueError:
        raise _fault(f"needs the form {FORM}") from None
    if unknown := sorted(given.keys() - _OPTIONS):
        raise _fault(f"s3:// has no option {', '.join(unknown)}; it takes {', '.join(sorted(_OPTIONS))}")
    options = {name: given.get(name, "") for name in _OPTIONS}
    for name in ("endpoint_url", "public_endpoint_url"):
        address = urlsplit(options[name])
        if options[name] and (address.scheme not in {"http", "https"} or not address.hostname or address.query):
            raise _fault(f"{name} must be http:// or https:// and a host")
    if options["addressing_style"] not in _STYLES:
        raise _fault("addressing_style must be auto, path or virtual")
    return options


def _prefix(text: str) -> str:
    """Empty, or ending with a slash."""
    bare = text.strip("/")
    try:
        return f"{check_key(bare)}/" if bare else ""
    except InvalidKey:
        raise _fault("prefix may have letters, digits, -, _, . and / only") from None


def _fault(message: str) -> BadSettings:
    return BadSettings(f"MADANG_STORAGE_URL: {message}")
