"""The edge's fixtures, for what is proven through the front door."""

from tests.http.conftest import app, open_app

__all__ = ["app", "open_app"]
