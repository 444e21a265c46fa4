"""The headers every response carries."""

from madang.settings import Settings

_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
_HSTS = b"max-age=31536000; includeSubDomains"


def security_headers(settings: Settings) -> dict[bytes, bytes]:
    """Names in lower case; a response that sets one itself keeps its own."""
    headers = {
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"no-referrer",
        b"content-security-policy": _CSP.encode(),
        b"x-frame-options": b"DENY",
        b"cross-origin-opener-policy": b"same-origin",
    }
    return headers | ({b"strict-transport-security": _HSTS} if settings.is_https else {})
