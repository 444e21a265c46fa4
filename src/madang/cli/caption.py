"""`madang caption`: one file captioned, with no server, database or account."""

import asyncio
import math
import os
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from madang.backends.captioner.base import RecognitionFailed
from madang.backends.captioner.local import LocalCaptioner
from madang.captions.document_service import document_of
from madang.kit.problems import Problem
from madang.speech.transcript import Transcript
from madang.subtitles.document import Document
from madang.subtitles.exports import FORMATS, export

FAILURE, BAD_INPUT, INTERRUPTED = 1, 2, 130
_STDOUT = "-"


def caption(
    file: Annotated[Path, typer.Argument(help="Audio or video, in any format that FFmpeg reads.", show_default=False)],
    out: Annotated[
        str | None, typer.Option(help="Where to write; - for standard output. Default: beside FILE.")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="The recogniser; the first installed one by default.")] = None,
    language: Annotated[str | None, typer.Option(help="What is spoken, as a language tag such as en.")] = None,
    format: Annotated[str | None, typer.Option(help=f"{' or '.join(FORMATS)}; by the name of --out.")] = None,  # noqa: A002
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
) -> None:
    """Caption one file.

    Exit status: 0 captions were written, 1 the analysis failed, 2 the file or an option can't be used, 130 Ctrl-C.
    """
    kind = _format(format, out)
    target = _target(file, out, kind, force=force)
    try:
        transcript = asyncio.run(_transcribe(file, language, engine))
        document = document_of(transcript)
        _write(export(document, kind).body, target)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except Problem as problem:
        is_input = isinstance(problem, RecognitionFailed) or problem.status < 500  # noqa: PLR2004 - client errors
        _refuse(str(problem), BAD_INPUT if is_input else FAILURE)
    except OSError as error:
        _refuse(f"Can't write {target}: {error.strerror}.", FAILURE)
    _summarise(document, target)


def _format(format: str | None, out: str | None) -> str:  # noqa: A002 - the option's name
    """The format asked for, or the one that the name to write tells."""
    suffix = Path(out or "").suffix.removeprefix(".").lower()
    kind = format or (suffix if out not in {None, _STDOUT} else "") or next(iter(FORMATS))
    if kind not in FORMATS:
        _refuse(f"There is no caption format {kind!r}. Choose one with --format: {', '.join(FORMATS)}.")
    return kind


def _target(file: Path, out: str | None, kind: str, *, force: bool) -> Path | None:
    """Where to write, None for standard output; whatever stands in the way is told before the work, not after."""
    if not file.exists():
        _refuse(f"There is no file {file}.")
    if not file.is_file() or not os.access(file, os.R_OK):
        _refuse(f"{file} is not a file that can be read.")
    if out == _STDOUT:
        return None
    target = Path(out) if out else file.with_suffix(f".{kind}")
    if not target.parent.is_dir():
        _refuse(f"There is no folder {target.parent}.")
    if target.is_dir() or (target.exists() and target.samefile(file)):
        _refuse(f"{target} can't be written; name another file with --out.")
    if target.exists() and not force:
        _refuse(f"{target} is there already; use --force to replace it, or name another file with --out.")
    return target


async def _transcribe(file: Path, language: str | None, engine: str | None) -> Transcript:
    captioner = LocalCaptioner(math.inf)
    captioner.plan(language=language, engine=engine)
    with _bar() as bar:
        task = bar.add_task("starting", total=1.0)
        async with aclosing(captioner.caption(file, language=language, engine=engine)) as steps:
            async for step in steps:
                if isinstance(step, Transcript):
                    return step
                bar.update(task, description=step.stage, completed=step.fraction)
    raise AssertionError("a captioner ends with a transcript or raises")


def _bar() -> Progress:
    """A progress bar on a terminal, nothing elsewhere; never on standard output, which may be the captions."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<11}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _write(body: bytes | str, target: Path | None) -> None:
    """All or nothing: a half-written file never has the name of a whole one."""
    content = body.encode() if isinstance(body, str) else body
    if target is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _summarise(document: Document, target: Path | None) -> None:
    empty = {"no-audio": "The file has no sound.", "no-speech": "No speech was found."}
    said = empty.get(document.reason or "", f"{len(document.cues)} captions in {document.duration:.1f} s.")
    typer.echo(f"{said}{f' Wrote {target}' if target else ''}", err=True)


def _refuse(reason: str, status: int = BAD_INPUT) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(status)
