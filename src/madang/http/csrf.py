"""Cross-site requests are refused by `Origin` and Fetch Metadata, not by tokens in forms.

A browser always tells where an unsafe request came from; programs send neither header and hold no ambient
cookies of a victim. A request with an `Authorization` header proves itself.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from madang.kit.problems import Forbidden, Text
from madang.kit.urls import origin_of
from madang.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class CrossSiteRequest(Forbidden):
    code = "cross-site-request"
    title = Text("The request came from another site", "다른 사이트에서 온 요청입니다")
    detail = Text(
        "Requests with cookies must come from this site's own pages or an origin in MADANG_CORS_ORIGINS; "
        "elsewhere use a bearer token.",
        "쿠키를 쓰는 요청은 이 사이트의 페이지나 MADANG_CORS_ORIGINS의 출처에서만 허용됩니다. "
        "다른 곳에서는 토큰을 사용하세요.",
    )


def is_allowed(method: str, headers: Mapping[str, str], own_origin: str, settings: Settings) -> bool:
    """The rule of CONTRACT §0 for unsafe methods; header names in lower case."""
    if method in SAFE_METHODS or "authorization" in headers:
        return True
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is None:
        return site in {None, "same-origin", "none"}
    if origin in settings.cors_origins or (settings.frontend_url and origin == origin_of(settings.frontend_url)):
        return True
    return bool(own_origin) and origin == own_origin and site in {None, "same-origin", "none"}


def own_origin(scheme: str, host: str, settings: Settings, *, behind_proxy: bool) -> str:
    """The public URL's origin; without one, the request's own where its Host can be believed.

    A page of another site can point its name at this machine (DNS rebinding), so an unproxied Host counts only
    when it is a loopback name.
    """
    if settings.public_url:
        return origin_of(settings.public_url)
    try:
        believed = behind_proxy or urlsplit(f"//{host}").hostname in _LOOPBACK
        return origin_of(f"{scheme}://{host}") if believed else ""
    except ValueError:
        return ""
