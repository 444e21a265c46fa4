"""The two cookies: prefixed and `Secure` where people come over https, plain for development over http."""

from starlette.responses import Response

from madang.settings import Settings

REFRESH_PATH = "/api/v1/accounts"
DEVICE_PATH = "/api/v1"
DEVICE_SECONDS = 365 * 24 * 3600


def access_cookie_name(settings: Settings) -> str:
    return "__Host-madang_access" if settings.is_https else "madang_access"


def refresh_cookie_name(settings: Settings) -> str:
    return "__Secure-madang_refresh" if settings.is_https else "madang_refresh"


def device_cookie_name(settings: Settings) -> str:
    return "__Secure-madang_device" if settings.is_https else "madang_device"


def set_device_cookie(response: Response, settings: Settings, device: str) -> None:
    """Tells a device that was signed in on before from a new one; it opens nothing."""
    _set(response, settings, device_cookie_name(settings), device, DEVICE_SECONDS, DEVICE_PATH)


def oidc_cookie_name(settings: Settings) -> str:
    return "__Host-madang_oidc" if settings.is_https else "madang_oidc"


def set_oidc_cookie(response: Response, settings: Settings, browser: str, age: int) -> None:
    """Binds sign-ins with other providers to the browser that began them; it opens nothing."""
    _set(response, settings, oidc_cookie_name(settings), browser, age, "/")


def set_session_cookies(
    response: Response, settings: Settings, *, access: str, access_age: int, refresh: str, refresh_age: int
) -> None:
    """Set both cookies for as long as what they carry lives, in seconds."""
    _set(response, settings, access_cookie_name(settings), access, access_age, "/")
    _set(response, settings, refresh_cookie_name(settings), refresh, refresh_age, REFRESH_PATH)


def clear_session_cookies(response: Response, settings: Settings) -> None:
    _set(response, settings, access_cookie_name(settings), "", 0, "/")
    _set(response, settings, refresh_cookie_name(settings), "", 0, REFRESH_PATH)


def _set(response: Response, settings: Settings, name: str, value: str, age: int, path: str) -> None:
    response.set_cookie(name, value, max_age=age, path=path, secure=settings.is_https, httponly=True, samesite="lax")
