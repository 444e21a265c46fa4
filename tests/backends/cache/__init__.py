"""The cache port's contract."""
