"""The captioner port: media files turned into measured words."""
