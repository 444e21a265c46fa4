"""Passkeys (W3C Web Authentication, Level 3): what a browser is asked, and what its authenticator answers, verified."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeVar
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_authenticator_data,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorData,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from madang.kit.urls import origin_of

NAME = "Madang"
CHALLENGE_SECONDS = 5 * 60
_CHALLENGE_BYTES = 32
T = TypeVar("T")


class Fault(Enum):
    """Why an answer does not count."""

    UNREADABLE = auto()
    ORIGIN = auto()
    RELYING_PARTY = auto()
    NOT_VERIFIED = auto()
    NOT_PROVEN = auto()


class PasskeyFault(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.name)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom a passkey is for: a host name, and the origins whose pages may use it."""

    id: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A credential that an account has, and how its authenticator is reached."""

    id: bytes
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """`handle` comes back from the authenticator and tells whose passkey it is."""

    handle: bytes
    name: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Creation:
    """A new credential as it was read; nothing of it is proven yet."""

    challenge: bytes
    credential: RegistrationCredential


@dataclass(frozen=True, slots=True)
class Assertion:
    """A use of a credential as it was read; nothing of it is proven yet."""

    challenge: bytes
    credential_id: bytes
    user_handle: bytes | None
    credential: AuthenticationCredential


@dataclass(frozen=True, slots=True)
class Created:
    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: str
    transports: tuple[str, ...]
    is_backed_up: bool


@dataclass(frozen=True, slots=True)
class Used:
    sign_count: int
    is_backed_up: bool


def relying_party(site: str, *others: str) -> RelyingParty:
    """The party of a site. The pages of another URL may use its passkeys when they are on the site's host or below it,
    which is as far as browsers let a passkey reach; others are left out."""
    host = urlsplit(site).hostname or ""
    near = [url for url in others if url and _is_within(urlsplit(url).hostname or "", host)]
    return RelyingParty(host, tuple(dict.fromkeys(origin_of(url) for url in (site, *near))))


def new_challenge() -> bytes:
    return secrets.token_bytes(_CHALLENGE_BYTES)


def creation_options(party: RelyingParty, person: Person, challenge: bytes, known: Iterable[Known]) -> dict[str, Any]:
    """`PublicKeyCredentialCreationOptionsJSON` for a passkey that its authenticator can find by itself."""
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=NAME,
        user_id=person.handle,
        user_name=person.name,
        user_display_name=person.display_name,
        challenge=challenge,
        timeout=CHALLENGE_SECONDS * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=_descriptors(known),
    )
    return options_to_json_dict(options)


def request_options(
    party: RelyingParty, challenge: bytes, known: Iterable[Known], *, must_verify: bool
) -> dict[str, Any]:
    """`PublicKeyCredentialRequestOptionsJSON`; without known credentials the authenticator offers those it finds."""
    wanted = UserVerificationRequirement.REQUIRED if must_verify else UserVerificationRequirement.PREFERRED
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=CHALLENGE_SECONDS * 1000,
        allow_credentials=_descriptors(known),
        user_verification=wanted,
    )
    return options_to_json_dict(options)


def read_creation(party: RelyingParty, answer: Mapping[str, Any]) -> Creation:
    """Raises `PasskeyFault` when it can't be read, or comes from elsewhere."""
    credential = _read(parse_registration_credential_json, dict(answer))
    challenge = _challenge_of(party, credential.response.client_data_json)
    _ensure_meant_for(party, _read(parse_attestation_object, credential.response.attestation_object).auth_data)
    return Creation(challenge, credential)


def read_assertion(party: RelyingParty, answer: Mapping[str, Any], *, must_verify: bool) -> Assertion:
    """Raises `PasskeyFault` when it can't be read, comes from elsewhere, or its authenticator did not verify the person
    (by a PIN, a finger, a face) although that is asked for."""
    credential = _read(parse_authentication_credential_json, dict(answer))
    challenge = _challenge_of(party, credential.response.client_data_json)
    data = _read(parse_authenticator_data, credential.response.authenticator_data)
    _ensure_meant_for(party, data)
    if must_verify and not data.flags.uv:
        raise PasskeyFault(Fault.NOT_VERIFIED)
    return Assertion(challenge, credential.raw_id, credential.response.user_handle, credential)


def verify_creation(party: RelyingParty, creation: Creation) -> Created:
    """Raises `PasskeyFault`. Who made the authenticator is not asked for, so its certificates prove nothing here."""

    def verify(credential: RegistrationCredential) -> Created:
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=creation.challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
        )
        # Of attestation "none" nothing is signed, so only this tells a key from rubbish.
        decoded_public_key_to_cryptography(decode_credential_public_key(made.credential_public_key))
        return Created(
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            aaguid=made.aaguid,
            transports=tuple(one.value for one in credential.response.transports or ()),
            is_backed_up=made.credential_backed_up,
        )

    return _read(verify, creation.credential, Fault.NOT_PROVEN)


def verify_assertion(party: RelyingParty, assertion: Assertion, public_key: bytes) -> Used:
    """Raises `PasskeyFault`. The counter is for the caller to compare, where of two uses at once one can win."""

    def verify(credential: AuthenticationCredential) -> Used:
        used = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=assertion.challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=public_key,
            credential_current_sign_count=0,
        )
        return Used(used.new_sign_count, used.credential_backed_up)

    return _read(verify, assertion.credential, Fault.NOT_PROVEN)


def _read(parse: Callable[[Any], T], value: Any, fault: Fault = Fault.UNREADABLE) -> T:
    """What strangers send makes parsers of JSON, CBOR, ASN.1, keys raise nearly anything; none of it is our error."""
    try:
        return parse(value)
    except Exception:
        raise PasskeyFault(fault) from None


def _challenge_of(party: RelyingParty, client_data: bytes) -> bytes:
    read = _read(parse_client_data_json, client_data)
    if read.origin not in party.origins or read.cross_origin:
        raise PasskeyFault(Fault.ORIGIN)
    return read.challenge


def _ensure_meant_for(party: RelyingParty, data: AuthenticatorData) -> None:
    if data.rp_id_hash != hashlib.sha256(party.id.encode()).digest():
        raise PasskeyFault(Fault.RELYING_PARTY)


def _descriptors(known: Iterable[Known]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(id=one.id, transports=[AuthenticatorTransport(way) for way in one.transports])
        for one in known
    ]


def _is_within(host: str, parent: str) -> bool:
    return host == parent or host.endswith(f".{parent}")
