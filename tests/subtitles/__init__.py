"""Tests of `madang.subtitles`."""
