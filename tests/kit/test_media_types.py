"""Detection by content, against files that real encoders wrote."""

from pathlib import Path

import pytest

from madang.kit.disposition import content_disposition
from madang.kit.media_types import detect, is_sound_or_film, opens_in_page
from tests.speech import media_files

TONE = media_files.tone(0.5, 48_000)


@pytest.mark.parametrize(
    ("name", "codec", "detected"),
    [
        ("a.flac", "flac", "audio/flac"),
        ("a.wav", "pcm_s16le", "audio/wav"),
        ("a.mp3", "libmp3lame", "audio/mpeg"),
        ("a.ogg", "libopus", "audio/ogg"),
        ("a.aiff", "pcm_s16be", "audio/aiff"),
        ("a.caf", "pcm_s16le", "audio/x-caf"),
        ("a.aac", "aac", "audio/aac"),
        ("a.mka", "libopus", "video/x-matroska"),
        ("a.m4a", "aac", "audio/mp4"),
        ("a.mov", "aac", "video/quicktime"),
        ("a.mp4", "aac", "video/mp4"),
        ("a.3gp", "aac", "video/mp4"),
        ("a.ts", "aac", "video/mp2t"),
        ("a.w64", "pcm_s16le", "audio/wav"),
        ("a.au", "pcm_s16be", "audio/basic"),
    ],
)
def test_sound_is_known_by_its_content(tmp_path: Path, name: str, codec: str, detected: str) -> None:
    assert detect(media_files.write_encoded(tmp_path / name, codec, TONE[None, :], "mono")) == detected


@pytest.mark.parametrize(
    ("name", "detected"), [("a.mp4", "video/mp4"), ("a.webm", "video/webm"), ("a.mkv", "video/x-matroska")]
)
def test_film_is_known_by_its_content(tmp_path: Path, name: str, detected: str) -> None:
    assert detect(media_files.write_video(tmp_path / name, TONE, seconds=0.5)) == detected


@pytest.mark.parametrize("head", [b"", b"text", b"GIF89a" + bytes(100), b"MThd" + bytes(100), b"\0\0\0\x1cftypavif"])
def test_anything_else_is_nothing(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(head)
    assert detect(tmp_path / "a.mp4") is None


def test_only_what_runs_nothing_opens_in_a_page() -> None:
    assert [opens_in_page(kind) for kind in ("video/mp4", "image/png", "image/svg+xml", "text/html")] == [
        True,
        True,
        False,
        False,
    ]
    assert is_sound_or_film("application/octet-stream")
    assert not is_sound_or_film("application/pdf")


def test_a_disposition_carries_any_name_in_ascii() -> None:
    assert content_disposition('한 "a".mp4', attachment=True) == (
        "attachment; filename=\"_ _a_.mp4\"; filename*=UTF-8''%ED%95%9C%20%22a%22.mp4"
    )
