import httpx2
import pytest
from tests.captions.jobs import Json, request, until_done
from tests.factories import SignedIn, make_user
from tests.speech import media_files


@pytest.fixture(scope="session")
def speech() -> bytes:
    """Eleven seconds of a real recording."""
    return media_files.RECORDING.read_bytes()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A second of pictures without sound: the quickest success there is."""
    return media_files.write_video_without_audio(tmp_path_factory.mktemp("film") / "film.mp4").read_bytes()


@pytest.fixture(scope="session")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A film whose index is cut off."""
    path = tmp_path_factory.mktemp("damaged") / "damaged.mp4"
    return media_files.write_without_index(path, media_files.decoded()[:96_000]).read_bytes()


@pytest.fixture
async def person(client: httpx2.AsyncClient) -> SignedIn:
    return await make_user(client)


@pytest.fixture
async def captioned(client: httpx2.AsyncClient, person: SignedIn, speech: bytes) -> Json:
    """A job of the recording that has succeeded."""
    job = await request(client, person, speech, filename="연설 1.flac")
    return await until_done(client, person, job["id"])
