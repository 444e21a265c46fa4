"""The embedded captioner: the `speech` library in a child process per file."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from madang.backends.captioner.base import (
    LanguageNotSpoken,
    Plan,
    Progress,
    RecognitionCrashed,
    RecognitionFailed,
    UnknownEngine,
)
from madang.kit.unit_guard import forbid_in_unit
from madang.speech import errors
from madang.speech.engines import ENGINES, open_engine, spoken_language
from madang.speech.transcript import Transcript

log = structlog.get_logger("madang.captioner")
STALLED_SECONDS = 900.0
"""A hostile file may make a decoder turn for ever. Progress comes every half percent: 72 s of a four-hour file."""
_LONGEST_MESSAGE = 256 << 20
_SHORT_MESSAGE = 1 << 16
_CHILD = Path(__file__).with_name("child.py")
_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "XDG_CACHE_HOME")
_TRANSCRIPT = TypeAdapter(Transcript)


class LocalCaptioner:
    """Recognises with the engines installed here, in children that die with this process."""

    def __init__(self, max_seconds: float) -> None:
        self._max_seconds = max_seconds
        self.plan(language=None, engine=None)  # imports the engine now, so that no request waits for that later

    def plan(self, *, language: str | None, engine: str | None) -> Plan:
        name = engine or ENGINES[0]
        try:
            recogniser = open_engine(name)
            return Plan(recogniser.engine, spoken_language(recogniser, language))
        except errors.UnknownEngine:
            raise UnknownEngine(engine=name, known=", ".join(ENGINES)) from None
        except errors.LanguageNotSupported:
            known = ", ".join(recogniser.languages)
            raise LanguageNotSpoken(engine=name, language=language, known=known) from None

    async def caption(
        self, path: Path, *, language: str | None, engine: str | None
    ) -> AsyncGenerator[Progress | Transcript]:
        forbid_in_unit("recognising speech")
        asked = {
            "path": str(path),
            "language": language,
            "engine": engine or ENGINES[0],
            "max_duration": self._max_seconds,
        }
        async with _child(asked) as process:
            while True:
                message = await _next_message(process)
                yield message
                if isinstance(message, Transcript):
                    return

    async def close(self) -> None:
        return None


@asynccontextmanager
async def _child(asked: dict[str, Any]) -> AsyncIterator[Process]:
    """A child at work; leaving the context kills it, whatever it is doing."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(_CHILD), json.dumps(asked)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=_environment(),
        limit=_LONGEST_MESSAGE,
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> int:
    """Kill and reap; returns the status, which stays what it was when the child had ended by itself."""
    with suppress(ProcessLookupError):
        process.kill()
    if process.stdin is not None:
        process.stdin.close()
    return await process.wait()


def _environment() -> dict[str, str]:
    """What the child may know: no setting of ours, so no secret. One thread for arithmetic; more would not help it."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    paths = os.pathsep.join(path for path in sys.path if path)
    return kept | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


async def _next_message(process: Process) -> Progress | Transcript:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        async with asyncio.timeout(STALLED_SECONDS):
            line = await process.stdout.readline()
    except TimeoutError:
        message = "The analysis stood still and was stopped. Export the file anew, as mp4 or wav."
        raise RecognitionFailed(reason="stalled", message=message) from None
    if not line.endswith(b"\n"):
        log.warning("captioning process died", status=await _end(process))
        raise RecognitionCrashed
    try:
        return await _understood(line)
    except (ValidationError, ValueError, TypeError, KeyError):
        log.exception("captioning process talks nonsense")
        raise RecognitionCrashed from None


async def _understood(line: bytes) -> Progress | Transcript:
    """A transcript of two hours is megabytes long, so it is read outside the event loop."""
    message: dict[str, Any] = (
        json.loads(line) if len(line) < _SHORT_MESSAGE else await asyncio.to_thread(json.loads, line)
    )
    match message:
        case {"progress": [str(stage), int() | float() as share]}:
            return Progress(stage, float(share))
        case {"transcript": data}:
            return await asyncio.to_thread(_TRANSCRIPT.validate_python, data)
        case {"refused": [str(code), str(text)]}:
            raise RecognitionFailed(reason=code, message=text)
        case {"broken": trace}:
            log.error("captioning process failed", trace=trace)
    raise RecognitionCrashed
