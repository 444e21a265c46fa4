"""The language model port."""

from urllib.parse import urlsplit

import httpx2

from madang.backends.llm.base import LanguageModel
from madang.backends.llm.upstreams import Upstream, Upstreams
from madang.kit.upstream_settings import UpstreamSettings
from madang.settings import BadSettings


def open_upstreams(settings: dict[str, UpstreamSettings], client: httpx2.AsyncClient) -> Upstreams | None:
    """All that are set, in their order; None when there are none."""
    opened = []
    for name, one in sorted(settings.items(), key=lambda item: (item[1].order, item[0])):
        llm = open_llm(one.url, one.api_key.get_secret_value(), one.model, client)
        if llm is not None:
            parts = urlsplit(one.url)
            address = parts._replace(query="", netloc=parts.netloc.rpartition("@")[2]).geturl()
            opened.append(Upstream(name, address, llm, tuple(one.models), frozenset(one.roles)))
    return Upstreams(opened) if opened else None


def open_llm(url: str, api_key: str, default_model: str, client: httpx2.AsyncClient) -> LanguageModel | None:
    """The model behind a URL; None when `none` switches the feature off."""
    if url == "none":
        return None
    match urlsplit(url).scheme:
        case "demo":
            from madang.backends.llm.demo import DemoModel

            return DemoModel()
        case "http" | "https":
            from madang.backends.llm.openai import open_openai

            return open_openai(url, api_key, default_model, client)
        case scheme:
            raise BadSettings(
                f"MADANG_LLM_URL: no adapter for {scheme!r}; use demo://, the http(s) base URL of an "
                "OpenAI-compatible server, or none"
            )
