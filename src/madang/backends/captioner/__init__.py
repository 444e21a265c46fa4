"""The captioner port: media files turned into measured words."""

from urllib.parse import urlsplit

from madang.backends.captioner.base import Captioner
from madang.settings import BadSettings


def open_captioner(url: str, max_seconds: float) -> Captioner | None:
    """The captioner of that URL for media of at most `max_seconds`; None when captions are switched off."""
    match urlsplit(url).scheme or url:
        case "local":
            from madang.backends.captioner.local import LocalCaptioner

            return LocalCaptioner(max_seconds)
        case "none":
            return None
        case scheme:
            raise BadSettings(f"MADANG_CAPTIONER_URL: no adapter for {scheme!r}; use local:// or none")
