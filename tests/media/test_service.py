"""The rules of media that a client alone can't bring about."""

from collections.abc import Sequence
from uuid import UUID

import httpx2
import pytest
from tests.factories import PASSWORD, SignedIn
from tests.media.uploads import MEDIA, announce, announcement, complete, look_up, put

from madang.backends import Backends
from madang.media.completion_service import CompletionService
from madang.media.deps import build_media
from madang.media.errors import NotMedia
from madang.media.models import Media
from madang.media.schemas import MAX_PARTS, PartReceipt
from madang.media.service import PART, SINGLE_PART, Verdict, part_size
from madang.settings import Limits, Settings

FIRST, SECOND = Verdict("audio/flac", "1" * 64), Verdict(None, "2" * 64, NotMedia.code)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Three uploads an hour, so that the limit is soon reached."""
    settings.limits = Limits(uploads="3/hour")
    return settings


def test_parts_are_sixteen_mebibytes_until_there_would_be_too_many() -> None:
    assert part_size(SINGLE_PART) == SINGLE_PART
    assert part_size(SINGLE_PART + 1) == PART
    largest = MAX_PARTS * SINGLE_PART
    assert part_size(largest) == SINGLE_PART
    assert -(-(largest - 1) // part_size(largest - 1)) <= MAX_PARTS


async def test_of_two_verdicts_the_first_counts(
    client: httpx2.AsyncClient, person: SignedIn, backends: Backends
) -> None:
    media_id = UUID((await announce(client, person, b"x"))["id"])
    for verdict in (FIRST, SECOND):
        async with backends.database.unit() as session:
            settled = await build_media(session).settle(media_id, verdict)
        assert settled is not None
        assert (settled.state, settled.sha256, settled.reason) == ("ready", "1" * 64, None)


async def test_completing_elsewhere_gives_the_answer_that_was_given_there(
    client: httpx2.AsyncClient, person: SignedIn, backends: Backends, recording: bytes
) -> None:
    """As another process would: its own service, no lock shared, the row settled between join and verdict."""
    announced = await announce(client, person, recording)
    await put(client, announced["parts"][0], recording)
    owner, media_id = UUID(person.id), UUID(announced["id"])

    class SettledMeanwhile(CompletionService):
        async def _join(self, media: Media, receipts: Sequence[PartReceipt] | None) -> int:
            size = await super()._join(media, receipts)
            async with backends.database.unit() as session:
                await build_media(session).settle(media_id, SECOND)
            return size

    with pytest.raises(NotMedia):
        await SettledMeanwhile(backends.database, backends.storage, build_media).complete(owner, media_id, None)
    assert (await complete(client, person, announced["id"])).status_code == 415


async def test_media_deleted_while_it_is_checked_is_not_found_and_leaves_no_file(
    client: httpx2.AsyncClient, person: SignedIn, backends: Backends, recording: bytes
) -> None:
    announced = await announce(client, person, recording)
    await put(client, announced["parts"][0], recording)
    await backends.storage.complete(f"media/{announced['id']}")
    async with backends.database.unit() as session:
        await build_media(session).delete(UUID(person.id), UUID(announced["id"]))
    assert (await complete(client, person, announced["id"])).status_code == 404


async def test_uploads_are_limited_per_person(client: httpx2.AsyncClient, person: SignedIn) -> None:
    for _ in range(3):
        await announce(client, person, b"x")
    refused = await client.post(MEDIA, json=announcement(b"x"), headers=person.headers)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate-limited")


async def test_a_token_that_does_not_reach_media_is_refused(client: httpx2.AsyncClient, person: SignedIn) -> None:
    form = {"username": person.account_id, "password": PASSWORD, "scope": "profile"}
    token = (await client.post("/api/v1/accounts/token", data=form)).json()["access_token"]
    client.cookies.clear()
    refused = await client.get(MEDIA, headers={"Authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    assert (await look_up(client, person, (await announce(client, person, b"x"))["id"]))["state"] == "pending"
