import httpx2
import pytest
from tests.factories import SignedIn, make_user
from tests.speech import media_files


@pytest.fixture(scope="session")
def speech() -> bytes:
    """Eleven seconds of a real recording."""
    return media_files.RECORDING.read_bytes()


@pytest.fixture(scope="session")
def opening(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Its first four seconds, where only the words matter."""
    path = tmp_path_factory.mktemp("opening") / "opening.wav"
    return media_files.write_wav(path, media_files.decoded(rate=16_000)[: 4 * 16_000], rate=16_000).read_bytes()


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
