"""An authenticator in software: keeps keys and answers as browsers do, also wrongly when it is told to."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORIGIN, RP_ID = "http://localhost:8000", "localhost"
PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
ES256, EDDSA = -7, -8
Options = dict[str, Any]


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_key(algorithm: int) -> EllipticCurvePrivateKey | Ed25519PrivateKey:
    return generate_private_key(SECP256R1()) if algorithm == ES256 else Ed25519PrivateKey.generate()


@dataclass
class Authenticator:
    """One credential on one device. Each attribute may be changed between two answers."""

    origin: str = ORIGIN
    rp_id: str = RP_ID
    algorithm: int = ES256
    counter: int = 1
    step: int = 1
    flags: int = PRESENT | VERIFIED
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes | None = None
    format: str = "none"
    statement: dict[str, Any] = field(default_factory=dict)
    public_key: Any = None
    key: EllipticCurvePrivateKey | Ed25519PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = new_key(self.algorithm)

    def create(self, options: Options) -> dict[str, Any]:
        """`navigator.credentials.create()` and `toJSON()`."""
        self.handle = decode(options["user"]["id"])
        assert self.algorithm in [one["alg"] for one in options["pubKeyCredParams"]]
        identity = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data = self._data(ATTESTED) + identity + cbor2.dumps(self.public_key or self._public_key())
        attestation = cbor2.dumps({"fmt": self.format, "attStmt": self.statement, "authData": data})
        return self._answer(
            {
                "clientDataJSON": encode(self._client_data("webauthn.create", options["challenge"])),
                "attestationObject": encode(attestation),
                "transports": ["internal", "hybrid"],
                "publicKeyAlgorithm": self.algorithm,
            }
        )

    def get(self, options: Options) -> dict[str, Any]:
        """`navigator.credentials.get()` and `toJSON()`."""
        self.counter += self.step
        client_data, data = self._client_data("webauthn.get", options["challenge"]), self._data()
        signature = self._sign(data + hashlib.sha256(client_data).digest())
        return self._answer(
            {
                "clientDataJSON": encode(client_data),
                "authenticatorData": encode(data),
                "signature": encode(signature),
                "userHandle": encode(self.handle) if self.handle is not None else None,
            }
        )

    def _data(self, more: int = 0) -> bytes:
        flags = self.flags | more
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(data)
        return self.key.sign(data, ECDSA(SHA256()))

    def _public_key(self) -> dict[int, Any]:
        """As COSE writes it (RFC 9053 §7)."""
        if isinstance(self.key, Ed25519PrivateKey):
            raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            return {1: 1, 3: EDDSA, -1: 6, -2: raw}
        point = self.key.public_key().public_numbers()
        return {1: 2, 3: ES256, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        name = encode(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": response,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
        }
