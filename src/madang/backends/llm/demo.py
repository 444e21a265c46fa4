"""The embedded model: says that it is a demo and repeats the question, at the pace of a real one."""

import asyncio
import re
from collections.abc import AsyncGenerator

from madang.backends.llm.base import MAX_TRIES, Delta, Turn, Usage
from madang.kit.unit_guard import forbid_in_unit

_PAUSE_SECONDS = 0.03
_LONGEST_ECHO = 300
_HANGUL = re.compile(r"[\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f]")
_ENGLISH = (
    "This is a demo without a language model; set MADANG_LLM_URL to an OpenAI-compatible server for real answers. "
    "You wrote: {question}"
)
_KOREAN = (
    "언어 모델이 없는 데모입니다. 실제 답변을 받으려면 MADANG_LLM_URL에 OpenAI 호환 서버를 설정하세요. "
    "보내신 내용: {question}"
)


class DemoModel:
    def __init__(self, pause: float = _PAUSE_SECONDS) -> None:
        self._pause = pause

    @property
    def default_model(self) -> str:
        return "demo"

    async def models(self) -> list[str]:
        forbid_in_unit("listing models")
        return ["demo"]

    async def stream(self, model: str, turns: list[Turn], tries: int = MAX_TRIES) -> AsyncGenerator[Delta, None]:  # noqa: ARG002 - there is one model, and it never fails
        forbid_in_unit("asking the model")
        question = next((turn.content for turn in reversed(turns) if turn.role == "user"), "")
        words = re.findall(r"\S+\s*|\s+", _answer(question))
        for word in words:
            await asyncio.sleep(self._pause)
            yield Delta(word)
        yield Delta(finish_reason="stop", usage=Usage(sum(len(turn.content.split()) for turn in turns), len(words)))

    async def close(self) -> None:
        return None


def _answer(question: str) -> str:
    sentence = _KOREAN if _HANGUL.search(question) else _ENGLISH
    return sentence.format(question=question[:_LONGEST_ECHO])
