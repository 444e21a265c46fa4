"""The `Content-Disposition` of a download (RFC 6266), safe whatever the file is called."""

from urllib.parse import quote

_ATTR_CHAR = "!#$&+-.^_`|~"


def content_disposition(filename: str, *, attachment: bool) -> str:
    """Both forms: an ASCII name for old clients, and the whole name after RFC 8187 (which replaced RFC 5987)."""
    kind = "attachment" if attachment else "inline"
    plain = "".join(letter if _is_plain(letter) else "_" for letter in filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe=_ATTR_CHAR)}"


def _is_plain(letter: str) -> bool:
    """Whether it may stand in a quoted string as it is; `%` may not, because some clients decode it there."""
    return " " <= letter <= "~" and letter not in '"\\/%'
