"""What is no passkey's answer at all is refused, whatever it is, and is never an error of ours."""

import json
from typing import Any

import httpx2
import pytest
from tests.factories import make_user
from tests.passkeys import LOGIN, PASSKEYS, VERIFY, enrol, options, refusal, with_passkey
from tests.peers.authenticator import ATTESTED, EDDSA, ES256, Authenticator, encode
from tests.servers import visiting

from madang.settings import Limits, Settings

MANY = Limits(passkeys="10000/minute", everything="10000/minute")
POINT = {1: 2, 3: ES256, -1: 1, -2: bytes(32), -3: bytes(32)}


def spoilt(credential: dict[str, Any]) -> list[Any]:
    """An answer in which something is not as it should be."""
    changes: list[dict[str, Any]] = [
        {"clientDataJSON": "x" * 100},
        {"clientDataJSON": encode(b"null")},
        {"clientDataJSON": encode(b"[" * 5000)},
        {"clientDataJSON": encode(json.dumps({"type": 1, "challenge": 2, "origin": 3}).encode())},
        {"clientDataJSON": encode(b'{"type": "webauthn.get", "challenge": "' + b"9" * 9000 + b'", "origin": ""}')},
        {"clientDataJSON": "한글"},
        {"clientDataJSON": "a\0b"},
        {"clientDataJSON": None},
        {"authenticatorData": ""},
        {"authenticatorData": encode(bytes(37))},
        {"authenticatorData": encode(bytes(32) + bytes([ATTESTED]) + bytes(40))},
        {"authenticatorData": "A" * 20_000},
        {"attestationObject": ""},
        {"attestationObject": encode(b"\x9f" * 20_000)},
        {"attestationObject": encode(b"\xbf\x5f" * 100)},
        {"attestationObject": "A" * 100_000},
        {"signature": ""},
        {"signature": {}},
        {"userHandle": "!" * 20},
        {"transports": ["\0"] * 3},
        {"transports": ["x"] * 1000},
    ]
    whole: list[dict[str, Any]] = [
        {"id": "", "rawId": ""},
        {"rawId": "AAAA"},
        {"type": "password"},
        {"id": "\0"},
        {"response": []},
    ]
    inside = [{**credential, "response": {**credential["response"], **one}} for one in changes]
    rest: list[Any] = ["x" * 100_000, None, [], {}, {"id": ["x"] * 20_000}]
    return inside + [{**credential, **one} for one in whole] + rest


async def test_garbage_is_refused_and_never_an_error_of_ours(settings: Settings) -> None:
    async with visiting(settings, limits=MANY) as client:
        person, device = await with_passkey(client)
        used, made = (device.get(await options(client, LOGIN, {})), Authenticator())
        new = made.create(await options(client, PASSKEYS, person.headers))
        calls = [(path, one) for path in (LOGIN, VERIFY) for one in spoilt(used)]
        calls += [(PASSKEYS, one) for one in spoilt(new)]
        for path, credential in calls:
            answer = await client.post(path, json={"credential": credential}, headers=person.headers)
            client.cookies.clear()
            is_right = answer.status_code in {200, 201}
            assert is_right or answer.status_code in {400, 422}, (path, credential, answer.text)
            assert is_right or answer.headers["content-type"] == "application/problem+json"
        for body in (b"{", b"\xff\xfe", b'{"credential": ' + b"[" * 100_000):
            answer = await client.post(LOGIN, content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code in {400, 422}


@pytest.mark.parametrize("kind", ["packed", "tpm", "apple", "android-key", "android-safetynet", "fido-u2f", "other", 7])
async def test_an_attestation_that_proves_nothing_is_refused(client: httpx2.AsyncClient, kind: Any) -> None:
    person = await make_user(client)
    certified = {"alg": -7, "sig": b"x", "x5c": [b"x"]}
    for statement in ({"alg": -7}, certified, {"ver": "2.0", "certInfo": b"x", "pubArea": b"x"} | certified):
        refused = await enrol(client, person, Authenticator(format=kind, statement=statement))
        assert refusal(refused) == (400, "passkey-refused")


async def test_a_key_that_is_none_is_refused(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    for key in (
        {1: 1},
        POINT,
        POINT | {-1: 99},
        POINT | {3: -37},
        POINT | {-2: "x"},
        {1: 1, 3: EDDSA, -1: 6, -2: b"short"},
        {1: 3, 3: -257, -1: b"", -2: b"\1"},
        {1: 3, 3: -257, -1: b"\1", -2: b"\0"},
        {1: 99, 3: ES256},
        [1, 2, 3],
        "key",
    ):
        refused = await enrol(client, person, Authenticator(public_key=key))
        assert refusal(refused) == (400, "passkey-refused"), key


async def test_a_credential_id_may_be_as_long_as_the_standard_says(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    assert (await enrol(client, person, Authenticator(credential_id=bytes(1023)))).status_code == 201
    assert (await enrol(client, person, Authenticator(credential_id=bytes(1024)))).status_code == 422
