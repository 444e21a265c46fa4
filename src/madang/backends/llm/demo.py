"""The embedded model: says that it is a demo and repeats the question, at the pace of a real one."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator

from pydantic_core import to_json

from madang.backends.llm.base import MAX_TRIES, Body, Chunk, Delta, Reply, Turn, UpstreamRefused, Usage
from madang.kit.ids import new_id
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

    async def relay(self, body: Body, tries: int = MAX_TRIES) -> AsyncGenerator[Chunk, None]:
        begun = _begun("chat.completion.chunk")
        async for delta in self.stream("demo", _turns(body), tries):
            said = {"role": "assistant", "content": delta.text} if delta.text else {}
            choice = {"index": 0, "delta": said, "finish_reason": delta.finish_reason}
            yield Chunk(_frame({**begun, "choices": [choice]}), len(delta.text))
            if delta.usage is not None:
                told = _frame({**begun, "choices": [], "usage": _told(delta.usage)})
                yield Chunk(b"", usage=delta.usage, usage_frame=told)

    async def ask(self, path: str, body: Body, tries: int = MAX_TRIES) -> Reply:
        if path != "chat/completions":
            raise UpstreamRefused
        deltas = [delta async for delta in self.stream("demo", _turns(body), tries)]
        text, usage = "".join(delta.text for delta in deltas), deltas[-1].usage or Usage(0, 0)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return Reply(
            to_json({**_begun("chat.completion"), "choices": [choice], "usage": _told(usage)}), len(text), usage
        )

    async def close(self) -> None:
        return None


def _turns(body: Body) -> list[Turn]:
    """What was said; of contents in parts, their texts."""
    turns = []
    for message in body["messages"]:
        content = message.get("content") or ""
        if isinstance(content, list):
            content = " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        turns.append(Turn("user" if message.get("role") == "user" else "assistant", str(content)))
    return turns


def _frame(chunk: dict[str, object]) -> bytes:
    return b"data: " + to_json(chunk) + b"\n\n"


def _begun(kind: str) -> dict[str, object]:
    return {"id": f"demo-{new_id()}", "object": kind, "created": int(time.time()), "model": "demo"}


def _told(usage: Usage) -> dict[str, int]:
    total = usage.prompt_tokens + usage.completion_tokens
    return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens, "total_tokens": total}


def _answer(question: str) -> str:
    sentence = _KOREAN if _HANGUL.search(question) else _ENGLISH
    return sentence.format(question=question[:_LONGEST_ECHO])
