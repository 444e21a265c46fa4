"""My data: everything of one person, exported or erased."""
