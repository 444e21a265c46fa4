"""A worker's relay and nothing else: `python -m benchmarks.contestants.relay DATABASE_URL BROKER_URL`."""

import asyncio
import sys

from madang.backends.broker.rabbitmq import RabbitMQBroker
from madang.db.session import Database
from madang.outbox.publish import WAKE_CHANNEL, relays
from madang.outbox.relay import Relay


async def main(database_url: str, broker_url: str) -> None:
    database, broker = Database(database_url), RabbitMQBroker(broker_url)
    await asyncio.gather(Relay(database, broker).run(), database.listen(WAKE_CHANNEL, relays.ring))


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(*sys.argv[1:]))
