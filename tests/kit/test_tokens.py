"""Printable tokens, ids, refresh tokens: round trips, and no garbage that passes."""

import re
import threading
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.kit import refresh_token, tokens
from madang.kit.ids import new_id
from madang.kit.secrets import Keyring
from madang.kit.tokens import MalformedToken

PAYLOADS = st.binary(min_size=1, max_size=200)
PREFIXES = st.sampled_from(["mdr_", "mdg_", "x", "a_b_"])


@given(PREFIXES, PAYLOADS)
def test_a_token_goes_round(prefix: str, payload: bytes) -> None:
    token = tokens.encode(prefix, payload)
    assert tokens.decode(prefix, token) == payload
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)


@given(PAYLOADS, st.data())
def test_one_changed_character_is_noticed(payload: bytes, data: st.DataObject) -> None:
    token = tokens.encode("mdr_", payload)
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[position]))
    with pytest.raises(MalformedToken):
        tokens.decode("mdr_", token[:position] + other + token[position + 1 :])


@given(PAYLOADS, st.text(min_size=1, max_size=5))
def test_nothing_may_stand_around_a_token(payload: bytes, more: str) -> None:
    token = tokens.encode("mdr_", payload)
    for wrong in (token + more, more + token):
        with pytest.raises(MalformedToken):
            tokens.decode("mdr_", wrong)


@given(st.text() | st.text(alphabet="ABCabc019-_=+/").map(lambda body: f"mdr_{body}"))
def test_no_text_passes_by_chance_or_breaks(text: str) -> None:
    with pytest.raises(MalformedToken):
        tokens.decode("mdr_", text)


@given(PAYLOADS)
def test_a_token_of_another_kind_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedToken):
        tokens.decode("mdr_", tokens.encode("mdg_", payload))


def test_a_readable_code_has_nothing_to_confuse() -> None:
    codes = {tokens.readable_code() for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert re.fullmatch(r"[A-HJ-NP-Z2-9]{4}(-[A-HJ-NP-Z2-9]{4}){2}", code)


@given(st.uuids(), st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32))
def test_a_refresh_token_goes_round_and_proves_itself_alone(session_id: UUID, counter: int, salt: bytes) -> None:
    keyring = Keyring(["a" * 32])
    made = refresh_token.make(keyring, keyring.current_id, salt, session_id, counter)
    assert made is not None
    read = refresh_token.parse(made.encode())
    assert read == made
    assert refresh_token.proves(keyring, read, salt)
    assert not refresh_token.proves(Keyring(["b" * 32]), read, salt)
    assert not refresh_token.proves(keyring, read, bytes(32) if salt != bytes(32) else b"x" * 32)
    later = refresh_token.RefreshToken(read.key_id, session_id, (counter + 1) % 2**64, read.mac)
    assert not refresh_token.proves(keyring, later, salt)


def test_ids_grow_with_time_and_never_repeat() -> None:
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {one.version for one in made} == {7}


def test_ids_of_many_threads_never_repeat() -> None:
    made: list[list[UUID]] = [[] for _ in range(8)]
    threads = [threading.Thread(target=lambda ids=ids: ids.extend(new_id() for _ in range(2000))) for ids in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ids in made:
        assert ids == sorted(ids)
    assert len({one for ids in made for one in ids}) == 16_000
