"""The cache port: what may be lost. Limits are counted here, and live text travels through its channels."""

from urllib.parse import urlsplit

from madang.backends.cache.base import Cache
from madang.settings import BadSettings


def open_cache(url: str) -> Cache:
    match urlsplit(url).scheme:
        case "memory":
            from madang.backends.cache.memory import MemoryCache

            return MemoryCache()
        case scheme:
            raise BadSettings(f"MADANG_CACHE_URL: no adapter for {scheme!r}; use memory://")
