"""The embedded storage beyond the port: what its links allow, and what may lie in its folder."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from madang.backends.storage.base import StorageUnavailable, UploadOver
from madang.backends.storage.links import BadLink, Link, LinkExpired, Links
from madang.backends.storage.local import LocalStorage, WrongSize

HOUR = timedelta(hours=1)
NEW, OLD = b"n" * 32, b"o" * 32
PART = Link(method="PUT", key="media/a", content_type="audio/flac", part_number=1, size=5)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path, Links([NEW]))


async def body(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def broken(first: bytes) -> AsyncIterator[bytes]:
    yield first
    raise ConnectionResetError


def token(links: Links, link: Link = PART) -> str:
    return links.url(link, HOUR).rpartition("/")[2]


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_link_says_what_it_allows_and_survives_a_change_of_secret() -> None:
    assert Links([NEW, OLD]).read(token(Links([OLD])), "PUT") == PART
    assert Links([NEW]).read(token(Links([NEW, OLD])), "PUT") == PART


@pytest.mark.parametrize("form", ["{0}A", "A{0}", ".{0}", "x", "é", ""])
def test_a_changed_link_is_refused(form: str) -> None:
    with pytest.raises(BadLink):
        Links([NEW]).read(form.format(token(Links([NEW]))), "PUT")


def test_a_link_of_another_method_or_installation_is_refused() -> None:
    with pytest.raises(BadLink):
        Links([NEW]).read(token(Links([NEW])), "GET")
    with pytest.raises(BadLink):
        Links([NEW]).read(token(Links([OLD])), "PUT")


def test_a_link_ends_when_its_time_is_over() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    given = token(Links([NEW], clock=lambda: now))
    assert Links([NEW], clock=lambda: now + HOUR - timedelta(seconds=1)).read(given, "PUT") == PART
    with pytest.raises(LinkExpired):
        Links([NEW], clock=lambda: now + HOUR).read(given, "PUT")


def test_a_link_is_absolute_where_the_public_url_is_known() -> None:
    assert Links([NEW], "https://madang.example").url(PART, HOUR).startswith("https://madang.example/api/v1/media/")
    assert Links([NEW]).url(PART, HOUR).startswith("/api/v1/media/links/")


@pytest.mark.parametrize(("content", "too_long"), [((b"1234", b"56"), True), ((b"12", b"34"), False), ((), False)])
async def test_a_body_of_the_wrong_size_leaves_nothing(
    storage: LocalStorage, tmp_path: Path, content: tuple[bytes, ...], too_long: bool
) -> None:
    with pytest.raises(WrongSize) as refusal:
        await storage.receive(PART, body(*content))
    assert refusal.value.too_long is too_long
    assert files_in(tmp_path) == []


async def test_an_upload_that_breaks_off_leaves_nothing_and_spoils_nothing(
    storage: LocalStorage, tmp_path: Path
) -> None:
    arrived = await storage.receive(PART, body(b"right"))
    with pytest.raises(ConnectionResetError):
        await storage.receive(PART, broken(b"wro"))
    assert await storage.uploaded_parts("media/a") == [arrived]
    assert files_in(tmp_path) == ["parts/media/a/00001"]


async def test_a_complete_file_takes_no_more_parts(storage: LocalStorage, tmp_path: Path) -> None:
    await storage.receive(PART, body(b"right"))
    await storage.complete("media/a")
    with pytest.raises(UploadOver):
        await storage.receive(PART, body(b"wrong"))
    assert files_in(tmp_path) == ["files/media/a"]


async def test_a_part_that_was_under_way_when_the_file_was_completed_is_dropped(
    storage: LocalStorage, tmp_path: Path
) -> None:
    await storage.receive(PART, body(b"right"))

    async def late() -> AsyncIterator[bytes]:
        yield b"wr"
        await storage.complete("media/a")
        yield b"ong"

    with pytest.raises(UploadOver):
        await storage.receive(PART, late())
    assert files_in(tmp_path) == ["files/media/a"]
    assert (tmp_path / "files/media/a").read_bytes() == b"right"


async def test_a_part_that_was_under_way_when_the_upload_was_deleted_is_dropped(
    storage: LocalStorage, tmp_path: Path
) -> None:
    async def late() -> AsyncIterator[bytes]:
        yield b"wr"
        await storage.delete("media/a")
        yield b"ong"

    with pytest.raises(UploadOver):
        await storage.receive(PART, late())
    assert files_in(tmp_path) == []


async def test_what_a_crash_left_behind_is_never_taken_for_a_part_or_a_file(
    storage: LocalStorage, tmp_path: Path
) -> None:
    await storage.receive(PART, body(b"right"))
    (tmp_path / "parts/media/a/0123.tmp").write_bytes(b"half a join")
    assert [part.part_number for part in await storage.uploaded_parts("media/a")] == [1]
    assert await storage.complete("media/a") == 5
    assert files_in(tmp_path) == ["files/media/a"]


async def test_completing_goes_on_after_a_crash_between_joining_and_clearing(
    storage: LocalStorage, tmp_path: Path
) -> None:
    await storage.receive(PART, body(b"right"))
    (tmp_path / "files/media").mkdir(parents=True)
    (tmp_path / "files/media/a").hardlink_to(tmp_path / "parts/media/a/00001")
    assert await storage.uploaded_parts("media/a") == []
    assert await storage.complete("media/a") == 5
    assert files_in(tmp_path) == ["files/media/a"]


async def test_a_disk_that_fails_is_a_problem_of_its_own(storage: LocalStorage, tmp_path: Path) -> None:
    (tmp_path / "parts").write_bytes(b"a file where the folder should be")
    with pytest.raises(StorageUnavailable):
        await storage.receive(PART, body(b"right"))
