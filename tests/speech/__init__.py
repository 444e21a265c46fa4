"""Tests of `madang.speech`."""
