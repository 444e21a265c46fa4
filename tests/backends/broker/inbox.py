"""Messages and who takes them."""

import asyncio

from madang.backends.broker.base import Broker, Message
from madang.kit.clock import utc_now
from madang.kit.ids import new_id

SOON = 20


class Inbox:
    """Delivers into a queue; refuses the first ones while `refusals` last."""

    def __init__(self, refusals: int = 0) -> None:
        self.got: asyncio.Queue[Message] = asyncio.Queue()
        self.refusals = refusals

    async def deliver(self, message: Message) -> None:
        if self.refusals:
            self.refusals -= 1
            raise RuntimeError("not now")
        self.got.put_nowait(message)

    async def take(self, count: int) -> list[Message]:
        return [await asyncio.wait_for(self.got.get(), SOON) for _ in range(count)]


def message(number: int = 1, key: str = "key") -> Message:
    origin = {"request_id": "r", "ip": "::1", "user_agent": '마당 "x"', "language": "ko"}
    return Message(new_id(), "tests.noted.v1", key, utc_now(), {"number": number, "text": "한글 \0"}, origin)


async def insist(broker: Broker, one: Message) -> None:
    """As the relay does: what is not taken is published again."""
    async with asyncio.timeout(SOON):
        while True:
            try:
                return await broker.publish(one)
            except Exception:
                await asyncio.sleep(0.05)
