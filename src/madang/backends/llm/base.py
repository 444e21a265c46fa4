"""What the language model port promises, and the ways an upstream fails."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from madang.kit.problems import Problem, Text, Unavailable

MAX_ANSWER = 1_000_000
MAX_TRIES = 3


class UpstreamTimeout(Problem):
    status = 504
    code = "upstream-timeout"
    title = Text("The model did not answer in time", "모델이 제때 응답하지 않았습니다")
    detail = Text("Try again, or choose another model.", "다시 시도하거나 다른 모델을 선택하세요.")


class UpstreamFailed(Problem):
    status = 502
    code = "upstream-failed"
    title = Text("The model's server failed", "모델 서버에 오류가 발생했습니다")
    detail = Text("The upstream refused or failed the request; try again later.", "잠시 뒤에 다시 시도하세요.")


class UpstreamRefused(Problem):
    status = 400
    code = "upstream-refused"
    title = Text("The model can't answer this as it was asked", "모델이 이 요청을 처리할 수 없습니다")
    detail = Text(
        "It may be too long for the model, or hold a parameter that the model does not take.",
        "모델에 비해 너무 길거나 모델이 받지 않는 매개변수가 있을 수 있습니다.",
    )


class UpstreamDown(Unavailable):
    code = "upstream-down"
    title = Text("The model's server is down", "모델 서버가 응답하지 않습니다")
    detail = Text(
        "It failed several times in a row and is left alone for {seconds} s; try again then, or another model.",
        "여러 번 연속으로 실패하여 {seconds}초 동안 요청하지 않습니다. 그 뒤에 다시 시도하거나 다른 모델을 선택하세요.",
    )


class UpstreamBroken(Problem):
    status = 502
    code = "upstream-broken"
    title = Text("The answer broke off", "응답이 중간에 끊겼습니다")
    detail = Text(
        "The upstream ended without finishing its answer.", "모델 서버가 응답을 끝맺지 않고 연결을 닫았습니다."
    )


class UpstreamBusy(Unavailable):
    code = "upstream-busy"
    title = Text("The model is busy", "모델이 바쁩니다")
    detail = Text("The upstream's own rate limit is reached; try again later.", "모델 서버의 요청 한도에 도달했습니다.")


class AnswerTooLong(Problem):
    status = 502
    code = "answer-too-long"
    title = Text("The answer did not end", "응답이 끝나지 않습니다")
    detail = Text(
        "The upstream sent more than an answer may hold, so it was stopped.", "응답이 너무 길어 중단했습니다."
    )


Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Turn:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer; the last one of a finished answer carries `finish_reason`, and usage where told."""

    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None


Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What came of an answer at once, as server-sent events of OpenAI's chunks, and what is counted of it.

    `usage_frame` is the event that tells the usage and nothing else, which not every client has asked for.
    """

    frames: bytes
    letters: int = 0
    usage: Usage | None = None
    usage_frame: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer as the upstream sent it."""

    data: bytes
    letters: int = 0
    usage: Usage | None = None


class LanguageModel(Protocol):
    """Text is whole code points without U+0000, which PostgreSQL can't hold; an answer has at most `MAX_ANSWER`."""

    @property
    def default_model(self) -> str | None:
        """The model that the operator has named; None leaves the choice to the upstream's list."""

    async def models(self) -> list[str]:
        """The models on offer, the default first; empty when the upstream lists none, so that any name may be asked
        for. Raises an `Upstream…` problem."""

    def stream(self, model: str, turns: list[Turn], tries: int = MAX_TRIES) -> AsyncGenerator[Delta, None]:
        """The answer as it comes, after so many attempts to begin one at most; closing the generator stops the
        upstream. Raises an `Upstream…` problem."""

    def relay(self, body: Body, tries: int = MAX_TRIES) -> AsyncGenerator[Chunk, None]:
        """A chat completion of OpenAI's shape, passed on as it comes; ends with the answer, raises as `stream`."""

    async def ask(self, path: str, body: Body, tries: int = MAX_TRIES) -> Reply:
        """A whole `chat/completions` or `embeddings`, passed on. Raises an `Upstream…` problem."""

    async def close(self) -> None: ...
