"""The broker port's contract."""
