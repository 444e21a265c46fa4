"""API keys: what programs of a person sign in with."""
