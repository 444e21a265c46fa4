"""Ollama, found by itself where no other model is set."""

import httpx2

_SECONDS = 1.0
# A model that is not in memory yet is read from disk first.
_PATIENCE = "first_token=300"


def base_url_of(ollama: str) -> str | None:
    """Where its OpenAI-compatible calls are, when it answers there and has a model; None otherwise."""
    try:
        answer = httpx2.get(f"{ollama.rstrip('/')}/api/tags", timeout=_SECONDS, trust_env=False)
        has_models = answer.is_success and bool(answer.json()["models"])
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, LookupError, TypeError):
        return None
    return f"{ollama.rstrip('/')}/v1?{_PATIENCE}" if has_models else None
