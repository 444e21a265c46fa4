"""Captions: jobs that turn one's media into timed, measured words, and what became of them."""
