"""Real servers of other makers, for tests against the genuine article."""
