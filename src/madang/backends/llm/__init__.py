"""The language model port."""

from urllib.parse import urlsplit

import httpx2

from madang.backends.llm.base import LanguageModel
from madang.settings import BadSettings


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
