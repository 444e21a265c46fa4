"""`madang caption` as people run it: a process of its own."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import webvtt
from typer.testing import CliRunner

from madang.cli import app
from tests.processes import descendants, wait_until_gone
from tests.speech import media_files

COMMAND = [sys.executable, "-m", "madang", "caption"]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    return Path(shutil.copy(media_files.RECORDING, tmp_path / "talk.flac"))


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    return media_files.write_video_without_audio(tmp_path / "silent.mp4")


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_captions_are_written_beside_the_file_without_any_setting(talk: Path) -> None:
    done = run(talk, folder=talk.parent)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert f"Wrote {talk.with_suffix('.vtt')}" in done.stderr
    said = " ".join(cue.text for cue in webvtt.read(str(talk.with_suffix(".vtt"))).captions)
    assert "country" in said
    assert sorted(path.name for path in talk.parent.iterdir()) == ["talk.flac", "talk.vtt"]


def test_document_goes_to_standard_output(silent: Path) -> None:
    done = run(silent, "--out", "-", "--format", "json", folder=silent.parent)
    assert (done.returncode, json.loads(done.stdout)["reason"]) == (0, "no-audio")
    assert "no sound" in done.stderr


def test_file_that_is_there_is_kept_unless_forced(silent: Path) -> None:
    target = silent.with_name("kept.json")
    target.write_text("mine")
    refused = run(silent, "--out", target, folder=silent.parent)
    assert (refused.returncode, target.read_text()) == (2, "mine")
    assert "--force" in refused.stderr
    assert run(silent, "--out", target, "--force", folder=silent.parent).returncode == 0
    assert json.loads(target.read_text())["cues"] == []


def test_what_can_not_be_done_is_told_with_status_two(silent: Path, tmp_path: Path) -> None:
    text = media_files.write_text(tmp_path / "list.mp4")
    for arguments, hint in (
        ([tmp_path / "nowhere.mp4"], "There is no file"),
        ([tmp_path], "is not a file"),
        ([text], "not an audio or video file"),
        ([silent, "--language", "ko"], "it recognises: en"),
        ([silent, "--engine", "magic"], "Choose one of: pocketsphinx"),
        ([silent, "--out", "x.srt"], "vtt, json"),
        ([silent, "--out", tmp_path / "missing" / "x.vtt"], "There is no folder"),
    ):
        done = CliRunner().invoke(app, ["caption", *map(str, arguments)])
        assert done.exit_code == 2, done
        assert hint in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list.mp4", "silent.mp4"]


@pytest.fixture
def long_talk(tmp_path: Path) -> Path:
    return media_files.write_wav(tmp_path / "long.wav", np.tile(media_files.decoded(rate=16_000), 10), rate=16_000)


@pytest.fixture
def at_work(long_talk: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [*COMMAND, str(long_talk)]
    with subprocess.Popen(command, cwd=long_talk.parent, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        yield process
        process.kill()


def test_ctrl_c_ends_the_command_and_its_child(at_work: subprocess.Popen[bytes], long_talk: Path) -> None:
    deadline = time.monotonic() + 30
    while not (children := descendants(at_work.pid, "child.py")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(at_work.pid, signal.SIGINT)  # as a terminal does: to the whole foreground group
    assert at_work.wait(10) == 130
    assert not wait_until_gone(children, 2)
    assert [path.name for path in long_talk.parent.iterdir()] == ["long.wav"]


def test_terminal_shows_a_progress_bar(silent: Path) -> None:
    main, terminal = pty.openpty()
    with subprocess.Popen([*COMMAND, str(silent)], stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while part := _read(main):
            shown += part
    os.close(main)
    assert process.returncode == 0, shown
    assert "━" in shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux answers EIO once the other side is closed
        return b""
