"""What Madang declares on RabbitMQ: `madang.events` (topic), the workers' queue, and where poisonous messages end."""

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractQueue

EVENTS = "madang.events"
WORK = "madang.work"
DEAD = "madang.dead"
# Redeliveries without an answer, each of which is a worker that died. What a handler refuses goes back to the outbox.
DELIVERY_LIMIT = 10


async def declare(channel: AbstractChannel) -> tuple[AbstractExchange, AbstractQueue, AbstractQueue]:
    """The exchange of events, the queue of work and the queue of the dead; harmless when they are there."""
    events = await channel.declare_exchange(EVENTS, ExchangeType.TOPIC, durable=True)
    grave = await channel.declare_exchange(DEAD, ExchangeType.FANOUT, durable=True)
    dead = await channel.declare_queue(DEAD, durable=True, arguments={"x-queue-type": "quorum"})
    await dead.bind(grave)
    work = await channel.declare_queue(
        WORK,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
    await work.bind(events, "#")
    return events, work, dead
