"""What every captioner promises; each adapter is run through the same checks."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.processes import descendants, wait_until_gone
from tests.speech import media_files

from madang.backends.captioner import open_captioner
from madang.backends.captioner.base import (
    Captioner,
    LanguageNotSpoken,
    Progress,
    RecognitionCrashed,
    RecognitionFailed,
    UnknownEngine,
)
from madang.db.session import Database
from madang.settings import BadSettings
from madang.speech.transcript import Transcript

Steps = AsyncGenerator[Progress | Transcript]


@pytest.fixture
def captioner() -> Captioner:
    opened = open_captioner("local://", 3600)
    assert opened is not None
    return opened


def steps(captioner: Captioner, path: Path, language: str | None = None) -> Steps:
    return captioner.caption(path, language=language, engine=None)


async def until_recognising(running: Steps) -> None:
    async for step in running:
        if isinstance(step, Progress) and step.stage == "recognising":
            return
    raise AssertionError("the recognition ended before it could be watched")


async def test_progress_never_falls_and_the_transcript_comes_last(captioner: Captioner) -> None:
    seen = [step async for step in steps(captioner, media_files.RECORDING, "en-US")]
    shares = [step.fraction for step in seen[:-1] if isinstance(step, Progress)]
    assert len(shares) == len(seen) - 1
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    transcript = seen[-1]
    assert isinstance(transcript, Transcript)
    assert "country" in [word.text for word in transcript.words]
    assert transcript.words[0].marks.time == "measured"
    assert transcript.language == "en"


async def test_film_without_sound_gives_a_transcript_without_words(captioner: Captioner, tmp_path: Path) -> None:
    film = media_files.write_video_without_audio(tmp_path / "silent.mp4")
    *_, last = [step async for step in steps(captioner, film)]
    assert isinstance(last, Transcript)
    assert (last.words, last.reason) == ((), "no-audio")


async def test_what_is_no_media_fails_with_the_reason(captioner: Captioner, tmp_path: Path) -> None:
    for path, reason in (
        (media_files.write_text(tmp_path / "list.mp4"), "not-media"),
        (tmp_path / "nowhere.mp4", "unreadable-file"),
    ):
        with pytest.raises(RecognitionFailed) as failure:
            _ = [step async for step in steps(captioner, path)]
        assert failure.value.values["reason"] == reason
        assert str(tmp_path) not in str(failure.value)


async def test_longer_media_than_allowed_is_refused() -> None:
    strict = open_captioner("local://", 5)
    assert strict is not None
    with pytest.raises(RecognitionFailed) as failure:
        _ = [step async for step in steps(strict, media_files.RECORDING)]
    assert failure.value.values["reason"] == "media-too-long"


def test_plan_names_engine_and_language_and_refuses_what_it_can_not_do(captioner: Captioner) -> None:
    plan = captioner.plan(language="en-GB", engine=None)
    assert (plan.engine.name, plan.language) == ("pocketsphinx", "en")
    with pytest.raises(LanguageNotSpoken, match="it recognises: en"):
        captioner.plan(language="ko", engine="pocketsphinx")
    with pytest.raises(UnknownEngine, match="Choose one of: pocketsphinx"):
        captioner.plan(language=None, engine="magic")


async def test_closing_ends_the_child_within_two_seconds(captioner: Captioner) -> None:
    running = steps(captioner, media_files.RECORDING)
    await until_recognising(running)
    children = descendants(os.getpid(), "child.py")
    assert len(children) == 1
    async with asyncio.timeout(2):
        await running.aclose()
    assert not wait_until_gone(children, 0)


async def test_cancelling_ends_the_child(captioner: Captioner) -> None:
    watched = asyncio.Event()

    async def work() -> None:
        async with aclosing(steps(captioner, media_files.RECORDING)) as running:
            async for _ in running:
                watched.set()

    task = asyncio.create_task(work())
    await watched.wait()
    children = descendants(os.getpid(), "child.py")
    task.cancel()
    async with asyncio.timeout(2):
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert not wait_until_gone(children, 0)


async def test_death_of_the_child_is_a_crash_and_no_more(captioner: Captioner) -> None:
    for sign in (signal.SIGKILL, signal.SIGSEGV):
        await assert_crash(captioner, sign)


async def assert_crash(captioner: Captioner, sign: signal.Signals) -> None:
    async with aclosing(steps(captioner, media_files.RECORDING)) as running:
        await until_recognising(running)
        for child in descendants(os.getpid(), "child.py"):
            os.kill(child, sign)
        with pytest.raises(RecognitionCrashed):
            _ = [step async for step in running]


async def test_child_survives_ctrl_c_which_is_for_its_parent(captioner: Captioner, tmp_path: Path) -> None:
    opening = media_files.write_wav(tmp_path / "opening.wav", media_files.decoded()[: 4 * 48_000])
    async with aclosing(steps(captioner, opening)) as running:
        await until_recognising(running)
        for child in descendants(os.getpid(), "child.py"):
            os.kill(child, signal.SIGINT)
        *_, last = [step async for step in running]
        assert isinstance(last, Transcript)


async def test_child_knows_no_secret_and_has_a_lower_priority(
    captioner: Captioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADANG_SECRET_KEY", "a secret of the installation")
    async with aclosing(steps(captioner, media_files.RECORDING)) as running:
        await until_recognising(running)
        (child,) = descendants(os.getpid(), "child.py")
        assert "MADANG" not in proc(child, "environ")
        assert os.getpriority(os.PRIO_PROCESS, child) > os.getpriority(os.PRIO_PROCESS, 0)
        assert "Max address space         4294967296" in proc(child, "limits")


def proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


async def test_unit_of_work_must_not_wait_for_recognition(captioner: Captioner, database: Database) -> None:
    async with database.read_unit():
        with pytest.raises(RuntimeError, match="inside a unit of work"):
            await anext(steps(captioner, media_files.RECORDING))


PARENT = """
import asyncio, sys
from pathlib import Path
from madang.backends.captioner.local import LocalCaptioner

async def main():
    async for step in LocalCaptioner(3600).caption(Path(sys.argv[1]), language=None, engine=None):
        print(step, flush=True)

asyncio.run(main())
"""


def test_child_dies_with_its_parent() -> None:
    command = [sys.executable, "-c", PARENT, str(media_files.RECORDING)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert any("recognising" in line for line in parent.stdout)
        children = descendants(parent.pid, "child.py")
        assert children
        parent.kill()
    assert not wait_until_gone(children, 10)


def test_none_switches_captions_off_and_other_schemes_are_refused() -> None:
    assert open_captioner("none", 1) is None
    with pytest.raises(BadSettings, match="MADANG_CAPTIONER_URL"):
        open_captioner("ftp://ml.example.org", 1)
