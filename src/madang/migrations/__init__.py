"""The schema's history; the wheel migrates itself."""
