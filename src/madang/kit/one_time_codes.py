"""Time-based one-time passwords (RFC 6238: SHA-1, six digits, steps of 30 s), as authenticator apps make them."""

import hmac

import pyotp

STEP_SECONDS = 30
SKEW_STEPS = 1
ISSUER = "Madang"


def new_secret() -> str:
    """160 random bits in base32."""
    return pyotp.random_base32()


def uri(secret: str, account: str) -> str:
    """What a QR code for an authenticator app holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now: float) -> int | None:
    """The step whose code this is, one step early or late included; None when it is none of them."""
    current = int(now) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in range(current - SKEW_STEPS, current + SKEW_STEPS + 1):
        if hmac.compare_digest(totp.at(step * STEP_SECONDS).encode(), code.encode()):
            return step
    return None
