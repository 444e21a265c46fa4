"""One person's first minute, as the README tells it: a server with no settings, and HTTP alone."""

import io
import json
from pathlib import Path

import av
import httpx2
import pytest
import webvtt

from tests.servers import server_process
from tests.speech.media_files import decoded, write_video

RECORDING = Path(__file__).parent / "data" / "jfk.flac"


def _events(answer: httpx2.Response) -> list[tuple[str, dict[str, str]]]:
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in answer.text.split("\n\n") if block]
    return [(block["event"], json.loads(block["data"])) for block in blocks if "event" in block]


def _caption(client: httpx2.Client, content: bytes, filename: str, content_type: str) -> str:
    announced = {"filename": filename, "content_type": content_type, "size": len(content)}
    media = client.post("/api/v1/media", json=announced).json()
    part = media["parts"][0]
    assert httpx2.put(part["url"], content=content, headers=part["headers"], trust_env=False).is_success
    assert client.post(f"/api/v1/media/{media['id']}/complete").json()["state"] == "ready"
    job = client.post("/api/v1/captions", json={"media_id": media["id"]}).json()
    followed = _events(client.get(f"/api/v1/captions/{job['id']}/events"))
    assert followed[-1][0] == "done"
    assert followed[-1][1]["state"] == "succeeded"
    exported = client.get(f"/api/v1/captions/{job['id']}/export", params={"format": "vtt"})
    return exported.text


@pytest.mark.timeout(240)
def test_sign_up_ask_and_caption_a_recording(tmp_path: Path) -> None:
    with server_process(tmp_path) as server, httpx2.Client(base_url=server.url, timeout=120, trust_env=False) as client:
        person = {"account_id": "john", "password": "securepass123"}
        assert client.post("/api/v1/accounts", json=person).status_code == 201
        form = {"username": "john", "password": "securepass123"}
        token = client.post("/api/v1/accounts/token", data=form).json()["access_token"]
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get("/api/v1/accounts/me").json()["account_id"] == "john"

        conversation = client.post("/api/v1/chat/conversations", json={}).json()["id"]
        messages = f"/api/v1/chat/conversations/{conversation}/messages"
        asked = client.post(messages, json={"content": "안녕?"}, headers={"Accept": "text/event-stream"})
        said = "".join(data["text"] for event, data in _events(asked) if event == "delta")
        stored = [one for one in client.get(messages).json()["items"] if one["role"] == "assistant"]
        assert [one["content"] for one in stored] == [said]

        film = write_video(tmp_path / "film.mp4", decoded())
        assert "country" in _caption(client, film.read_bytes(), "film.mp4", "video/mp4")
        captions = _caption(client, RECORDING.read_bytes(), "speech.flac", "audio/flac")
        read = webvtt.from_buffer(io.StringIO(captions))
        assert "country" in " ".join(cue.text for cue in read.captions)
        with av.open(io.BytesIO(captions.encode()), "r", format="webvtt") as subtitles:
            assert len([packet for packet in subtitles.demux() if packet.size]) == len(read.captions)
