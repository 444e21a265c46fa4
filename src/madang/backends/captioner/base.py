"""What the captioner port promises."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from madang.kit.problems import Invalid, Problem, Text
from madang.speech.transcript import Engine, Transcript


class RecognitionFailed(Problem):
    """The file could not be analysed; the values hold `reason`, a stable code, and `message`, which says what to do."""

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


class UnknownEngine(Invalid):
    pointer = "/engine"
    code = "unknown-engine"
    title = Text("There is no such speech engine", "그런 음성 인식 엔진이 없습니다")
    detail = Text("{engine} is not known here. Choose one of: {known}.", "{engine}은(는) 없습니다. 선택 가능: {known}.")


class LanguageNotSpoken(Invalid):
    pointer = "/language"
    code = "language-not-supported"
    title = Text("The engine does not speak this language", "엔진이 지원하지 않는 언어입니다")
    detail = Text(
        "{engine} does not recognise {language}; it recognises: {known}. Choose one of these or another engine.",
        "{engine} 엔진은 {language}을(를) 인식하지 못합니다. 인식하는 언어: {known}. 다른 언어나 엔진을 고르세요.",
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the work stands: a stage and the share of the whole, 0 to 1, never falling."""

    stage: str
    fraction: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What would recognise a file, and in which language (a primary subtag)."""

    engine: Engine
    language: str


class Captioner(Protocol):
    def plan(self, *, language: str | None, engine: str | None) -> Plan:
        """What these choices come to, without any waiting; raises `UnknownEngine` or `LanguageNotSpoken`."""

    def caption(self, path: Path, *, language: str | None, engine: str | None) -> AsyncGenerator[Progress | Transcript]:
        """Progress as it comes, the transcript last; closing the generator stops the work within two seconds.

        Raises `RecognitionFailed` or `RecognitionCrashed`.
        """

    async def close(self) -> None: ...
