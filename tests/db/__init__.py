"""Units of work on both engines."""
