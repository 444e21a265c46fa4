"""Pure helpers that know nothing else of this package."""
