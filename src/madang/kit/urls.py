"""Web origins as browsers write them, and the paths of the pages that mails link to."""

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}

GOOGLE_ISSUER = "https://accounts.google.com"
VERIFY_PAGE, RESET_PAGE, SIGNED_IN_PAGE = "/app/verify-email", "/app/reset-password", "/auth/callback"


def origin_of(url: str) -> str:
    """Scheme, host and port in the form of an `Origin` header (RFC 6454 §6.2): lower case, no default port.

    Raises ValueError when the URL can't be read.
    """
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = "" if parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
