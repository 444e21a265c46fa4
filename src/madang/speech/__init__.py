"""From a media file to words with measured time, loudness, pitch and voice quality; knows no database and no HTTP."""
