"""The operator's calls."""

from datetime import timedelta

import httpx2

from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.outbox.events import HousekeepingDue
from madang.outbox.publish import Outbox
from madang.outbox.repository import OutboxRepository
from tests.factories import make_admin, make_user

OUTBOX = "/api/v1/admin/outbox"


async def park(database: Database, count: int) -> list[str]:
    """That many events, given up."""
    now, made = utc_now(), []
    for _ in range(count):
        async with database.unit() as session:
            made.append(Outbox(session, lambda: now + timedelta(days=1)).publish(HousekeepingDue(), key=new_id()))
        async with database.unit() as session:
            await OutboxRepository(session).park(made[-1], 0, now, "ValueError: no such thing")
    return [str(one) for one in made]


async def test_parked_events_are_paged_and_sent_again(client: httpx2.AsyncClient, database: Database) -> None:
    admin = await make_admin(client)
    parked = await park(database, 3)
    first = (await client.get(OUTBOX, params={"limit": 2}, headers=admin.headers)).json()
    assert (first["parked"], [one["id"] for one in first["items"]]) == (3, parked[:2])
    assert first["items"][0]["error"] == "ValueError: no such thing"
    rest = (await client.get(OUTBOX, params={"cursor": first["next_cursor"]}, headers=admin.headers)).json()
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == (parked[2:], None)
    one = await client.post(f"{OUTBOX}/replay", json={"event_ids": [parked[0], str(new_id())]}, headers=admin.headers)
    assert one.json() == {"replayed": 1}
    all_others = await client.post(f"{OUTBOX}/replay", json={}, headers=admin.headers)
    assert all_others.json() == {"replayed": 2}
    assert (await client.get(OUTBOX, headers=admin.headers)).json()["parked"] == 0


async def test_members_operate_nothing(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    assert (await client.get(OUTBOX, headers=person.headers)).status_code == 403
    assert (await client.post(f"{OUTBOX}/replay", json={}, headers=person.headers)).status_code == 403
