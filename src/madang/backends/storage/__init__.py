"""The storage port: the files people upload."""
