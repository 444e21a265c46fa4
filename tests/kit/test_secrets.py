"""The keyring: one secret, many keys, and secrets that change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.kit.secrets import Keyring, UnreadableSecret

OLD, NEW = "o" * 32, "n" * 32


@given(st.binary(max_size=300))
def test_what_is_sealed_is_unsealed(plaintext: bytes) -> None:
    keyring = Keyring([NEW])
    sealed = keyring.seal(plaintext)
    assert keyring.unseal(sealed) == plaintext
    assert len(plaintext) < 8 or plaintext not in sealed


def test_sealing_twice_differs() -> None:
    keyring = Keyring([NEW])
    assert keyring.seal(b"same") != keyring.seal(b"same")


def test_a_former_secret_is_read_and_the_first_one_seals() -> None:
    before, both, after = Keyring([OLD]), Keyring([NEW, OLD]), Keyring([NEW])
    assert both.unseal(before.seal(b"kept")) == b"kept"
    assert after.unseal(both.seal(b"new")) == b"new"


def test_a_retired_secret_names_the_setting_to_mend() -> None:
    with pytest.raises(UnreadableSecret, match="MADANG_SECRET_KEY"):
        Keyring([NEW]).unseal(Keyring([OLD]).seal(b"lost"))


@pytest.mark.parametrize(
    "change", [lambda sealed: sealed[:-1], lambda sealed: b"A" + sealed[1:], lambda _: b"", lambda _: b"\xff"]
)
def test_what_was_changed_is_unreadable(change: object) -> None:
    keyring = Keyring([NEW])
    with pytest.raises(UnreadableSecret):
        keyring.unseal(change(keyring.seal(b"kept")))  # type: ignore[operator]  # one of the four above


def test_every_purpose_and_secret_has_its_own_key() -> None:
    both = Keyring([NEW, OLD])
    keys = [key for purpose in ("a", "b") for key in both.keys(purpose)]
    assert len(set(keys)) == 4
    assert {len(key) for key in keys} == {32}
    assert both.current_key("a") == both.keys("a")[0] == Keyring([NEW]).current_key("a")
    assert both.key(Keyring([OLD]).current_id, "a") == Keyring([OLD]).current_key("a")
    assert Keyring([NEW]).key(Keyring([OLD]).current_id, "a") is None
    assert NEW.encode() not in keys


def test_a_keyring_without_secrets_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        Keyring([])
