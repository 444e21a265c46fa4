"""An OpenID provider as a process of its own, which checks what it is sent and lies as it is told.

`python -m tests.peers.oidc_provider` prints its port. PUT /control sets what it says of the person (`claims`), which
lie it tells (`spoil`), and what it counts anew; GET /control answers what it counted.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import socket
import time
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "madang-client", "a client's secret"
PERSON = {"sub": "subject-1", "email": "jisoo@example.com", "email_verified": True, "name": "Ji-soo Kim"}


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)})


class Provider:
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key, self.unpublished = new_key(), new_key()
        self.reset({})

    def reset(self, told: dict[str, Any]) -> None:
        self.spoil: str = told.get("spoil", "")
        self.claims: dict[str, Any] = told.get("claims", PERSON)
        self.userinfo_claims: dict[str, Any] = told.get("userinfo", {})
        self.codes: dict[str, dict[str, str]] = {}
        self.access_tokens: set[str] = set()
        self.asked: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        if told.get("rotate"):
            self.key = new_key()

    async def control(self, request: Request) -> Response:
        if request.method == "PUT":
            self.reset(await request.json())
        return JSONResponse({"counts": self.counts, "asked": self.asked})

    async def discovery(self, _request: Request) -> Response:
        self.counts["discovery"] += 1
        if self.spoil == "slow":
            await asyncio.sleep(30)
        if self.spoil == "redirects":
            return RedirectResponse(f"{self.issuer}/elsewhere")
        issuer = f"{self.issuer}/other" if self.spoil == "discovery-issuer" else self.issuer
        places = {name: f"{self.issuer}/{name}" for name in ("authorize", "token", "userinfo", "jwks")}
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": places["authorize"],
                "token_endpoint": places["token"],
                "userinfo_endpoint": places["userinfo"],
                "jwks_uri": places["jwks"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def jwks(self, _request: Request) -> Response:
        self.counts["jwks"] += 1
        keys = [self.key.as_dict(private=False)]
        if self.spoil == "symmetric-key":
            keys = [{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "oct"}]
        return JSONResponse({"keys": keys})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        wanted = {"response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256"}
        missing = {"redirect_uri", "state", "nonce", "code_challenge"} - set(asked)
        if missing or any(asked.get(name) != value for name, value in wanted.items()):
            return JSONResponse({"error": "invalid_request", "asked": asked}, 400)
        if "openid" not in asked["scope"].split():
            return JSONResponse({"error": "invalid_scope"}, 400)
        self.asked = asked
        back = {"state": asked["state"], "iss": self.issuer}
        if self.spoil == "response-issuer":
            back["iss"] = "https://other.example"
        if self.spoil == "no-response-issuer":
            del back["iss"]
        if self.spoil in {"access_denied", "temporarily_unavailable", "<script>"}:
            back |= {"error": self.spoil, "error_description": "SECRET of the provider"}
        else:
            back["code"] = secrets.token_urlsafe(16)
            self.codes[back["code"]] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    async def token(self, request: Request) -> Response:
        self.counts["token"] += 1
        if self.spoil == "token-500":
            return Response("SECRET of the provider", 500)
        if self.spoil == "token-garbage":
            return Response("<html>", 200)
        credentials = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {credentials}":
            return JSONResponse({"error": "invalid_client"}, 401)
        form = dict((await request.form()).items())
        asked = self.codes.pop(str(form.get("code")), None)
        if asked is None or not _fits(asked, form) or form.get("grant_type") != "authorization_code":
            return JSONResponse({"error": "invalid_grant"}, 400)
        access = secrets.token_urlsafe(16)
        self.access_tokens.add(access)
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        if self.spoil != "no-id-token":
            answer["id_token"] = self.id_token(asked, access)
        return JSONResponse(answer)

    async def userinfo(self, request: Request) -> Response:
        self.counts["userinfo"] += 1
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.access_tokens:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse({"sub": self.claims["sub"], **self.userinfo_claims})

    def id_token(self, asked: dict[str, str], access: str) -> str:
        now = int(time.time())
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "at_hash": _base64(half),
            **self.claims,
        }
        if "max_age" in asked:
            claims.setdefault("auth_time", now)
        claims |= _LIES.get(self.spoil, {})
        if self.spoil.startswith("without-"):
            del claims[self.spoil.removeprefix("without-")]
        if self.spoil == "expired":
            claims |= {"iat": now - 600, "exp": now - 90}
        if self.spoil == "from-the-future":
            claims |= {"iat": now + 600, "exp": now + 900}
        return self._signed(claims)

    def _signed(self, claims: dict[str, Any]) -> str:
        header: dict[str, Any] = {"alg": "RS256", "kid": self.key.kid}
        match self.spoil:
            case "alg-none":
                return f"{_unsigned({'alg': 'none'}, claims)}."
            case "alg-hs256":
                return _hs256(header | {"alg": "HS256"}, claims, self.key.as_pem(private=False))
            case "client-secret-hs256":
                return _hs256(header | {"alg": "HS256"}, claims, CLIENT_SECRET.encode())
            case "unknown-kid":
                header["kid"] = self.unpublished.kid
            case "own-jwk":
                header |= {"kid": "mine", "jwk": self.unpublished.as_dict(private=False)}
        lies = self.spoil in {"unknown-kid", "another-key", "own-jwk"}
        return jwt.encode(header, claims, self.unpublished if lies else self.key)


_LIES: dict[str, dict[str, Any]] = {
    "nonce": {"nonce": "another"},
    "nonce-list": {"nonce": ["another"]},
    "audience": {"aud": "another-client"},
    "audience-azp": {"aud": "another-client", "azp": CLIENT_ID},
    "two-audiences": {"aud": [CLIENT_ID, "another-client"]},
    "azp": {"azp": "another-client"},
    "issuer": {"iss": "https://other.example"},
    "at-hash": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "subject-number": {"sub": 7},
    "subject-empty": {"sub": ""},
    "subject-long": {"sub": "x" * 256},
    "exp-text": {"exp": "tomorrow"},
}


def _hs256(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """By hand, since libraries refuse to sign with a public key."""
    signed = _unsigned(header, claims)
    return f"{signed}.{_base64(hmac.digest(secret, signed.encode(), 'sha256'))}"


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _fits(asked: dict[str, str], form: dict[str, Any]) -> bool:
    digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
    challenge = _base64(digest)
    return challenge == asked["code_challenge"] and form.get("redirect_uri") == asked["redirect_uri"]


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    provider = Provider(f"http://127.0.0.1:{port}")
    routes = [
        Route("/control", provider.control, methods=["GET", "PUT"]),
        Route("/.well-known/openid-configuration", provider.discovery),
        Route("/jwks", provider.jwks),
        Route("/authorize", provider.authorize),
        Route("/token", provider.token, methods=["POST"]),
        Route("/userinfo", provider.userinfo),
    ]
    print(port, flush=True)
    uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="critical")).run(sockets=[listener])


if __name__ == "__main__":
    main()
