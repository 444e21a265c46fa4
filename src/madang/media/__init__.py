"""Media: the files people upload, the signed links they travel over, and whose they are."""
