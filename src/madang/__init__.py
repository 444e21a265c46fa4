"""Madang: accounts, chat and expressive captions in one self-hosted application server."""

__version__ = "0.1.0"
