"""The database: engines, units of work, the declarative base and its column types."""
