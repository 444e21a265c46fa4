"""What the captioner port promises."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from madang.kit.problems import Problem, Text
from madang.speech.transcript import Transcript


class RecognitionFailed(Problem):
    """The file could not be analysed; `reason` is the library's stable code."""

    status = 422
    code = "recognition-failed"
    title = Text("The file could not be captioned", "자막을 만들 수 없습니다")
    detail = Text("{message}", "{message}")


class RecognitionCrashed(Problem):
    """The child process died (a crash of a native library, or out of memory)."""

    status = 500
    code = "recognition-crashed"
    title = Text("Recognition broke off", "음성 인식이 중단되었습니다")
    detail = Text("The recogniser's process died; retry the job.", "인식 프로세스가 죽었습니다. 다시 시도하세요.")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the work stands: a stage and the share of the whole, 0 to 1, never falling."""

    stage: str
    fraction: float


class Captioner(Protocol):
    def caption(self, path: Path, *, language: str | None, engine: str | None) -> AsyncIterator[Progress | Transcript]:
        """Progress as it comes, the transcript last; closing the iterator stops the work within two seconds.

        Raises `RecognitionFailed` or `RecognitionCrashed`.
        """

    async def close(self) -> None: ...
