"""House-keeping of media."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest
from tests.factories import SignedIn, make_user
from tests.media.uploads import MEDIA, announce, announcement, look_up, put, ready_media, until_stored

from madang.backends import Backends
from madang.kit.clock import utc_now
from madang.media import handlers
from madang.media.deps import build_media
from madang.media.errors import MediaNotFound, MediaNotReady
from madang.media.events import MediaDeleted
from madang.outbox.delivery import Delivery
from madang.outbox.events import HousekeepingDue
from madang.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """An installation that keeps nothing unfinished."""
    return Settings(
        data_dir=tmp_path / "var",
        database_url=database_url,
        secret_key="0123456789abcdef" * 4,
        keep_unfinished_uploads=0,
        keep_idempotency_keys=0,
    )


def delivery(backends: Backends) -> Delivery:
    return Delivery(uuid4(), utc_now(), backends)


async def test_unfinished_uploads_are_swept_with_their_parts_and_finished_ones_stay(
    client: httpx2.AsyncClient,
    person: SignedIn,
    backends: Backends,
    settings: Settings,
    recording: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handlers, "SWEEP_BATCH", 2)
    kept = await ready_media(client, person, recording)
    for _ in range(5):
        announced = await announce(client, person, recording)
        await put(client, announced["parts"][0], recording)
    await handlers.sweep_unfinished_uploads(HousekeepingDue(), delivery(backends))
    items = (await client.get(MEDIA, headers=person.headers)).json()["items"]
    assert [item["id"] for item in items] == [kept["id"]]
    await until_stored(settings, 1)


async def test_removing_a_file_twice_is_harmless_to_others(
    client: httpx2.AsyncClient, person: SignedIn, backends: Backends, settings: Settings, recording: bytes
) -> None:
    await ready_media(client, person, recording)
    event = MediaDeleted(media_id=uuid4(), account_id=uuid4())
    for _ in range(2):
        await handlers.remove_file(event, delivery(backends))
    assert len((await client.get(MEDIA, headers=person.headers)).json()["items"]) == 1
    await until_stored(settings, 1)


async def test_a_forgotten_idempotency_key_may_be_used_anew(
    client: httpx2.AsyncClient, person: SignedIn, backends: Backends
) -> None:
    headers = person.headers | {"Idempotency-Key": "once"}
    first = await client.post(MEDIA, json=announcement(b"x"), headers=headers)
    await handlers.forget_idempotency_keys(HousekeepingDue(), delivery(backends))
    second = await client.post(MEDIA, json=announcement(b"xy"), headers=headers)
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]


async def test_a_sweep_while_parts_are_joined_leaves_nothing_behind(
    client: httpx2.AsyncClient, person: SignedIn, backends: Backends, settings: Settings, recording: bytes
) -> None:
    announced = await announce(client, person, recording)
    await put(client, announced["parts"][0], recording)
    await backends.storage.complete(f"media/{announced['id']}")
    async with backends.database.unit() as session:
        assert await build_media(session).sweep_unfinished(utc_now() + timedelta(days=1), 10) == 1
    await until_stored(settings, 0)


async def test_other_features_get_ready_media_of_its_owner_only(
    client: httpx2.AsyncClient, person: SignedIn, backends: Backends, recording: bytes
) -> None:
    media = await ready_media(client, person, recording)
    pending = await announce(client, person, recording)
    stranger = await make_user(client)
    async with backends.database.read_unit() as session:
        service = build_media(session)
        owned = await service.require_ready(UUID(person.id), UUID(media["id"]))
        assert (owned.sha256, owned.key) == (media["sha256"], f"media/{media['id']}")
        with pytest.raises(MediaNotReady):
            await service.require_ready(UUID(person.id), UUID(pending["id"]))
        with pytest.raises(MediaNotFound):
            await service.owned_by(UUID(stranger.id), UUID(media["id"]))
    async with backends.storage.local_copy(owned.key) as path:
        assert path.stat().st_size == len(recording)
    assert (await look_up(client, person, pending["id"]))["uploaded_parts"] == []
