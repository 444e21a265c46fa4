"""The language model port."""
