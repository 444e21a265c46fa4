"""The mail port's contract."""
