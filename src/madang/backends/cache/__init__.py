"""The cache port: what may be lost. Limits are counted here, and live text travels through its channels."""

from urllib.parse import urlsplit

from madang.backends.cache.base import Cache
from madang.settings import BadSettings

_ON_REDIS = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss"}


def open_cache(url: str) -> Cache:
    """`memory://` serves one process; `redis://host:6379/0` (`rediss://` with TLS, `valkey://`) serves all of them."""
    match urlsplit(url).scheme:
        case "memory":
            from madang.backends.cache.memory import MemoryCache

            return MemoryCache()
        case scheme if scheme in _ON_REDIS:
            return _open_redis(_ON_REDIS[scheme] + url.removeprefix(scheme))
        case scheme:
            raise BadSettings(f"MADANG_CACHE_URL: no adapter for {scheme!r}; use memory:// or redis://host:6379/0")


def _open_redis(url: str) -> Cache:
    try:
        from madang.backends.cache.redis import RedisCache
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "redis":
            raise
        raise BadSettings("MADANG_CACHE_URL: redis:// needs the extra; run: pip install 'madang[redis]'") from None
    try:
        return RedisCache(url)
    except ValueError as error:
        raise BadSettings(f"MADANG_CACHE_URL: {error}") from None
