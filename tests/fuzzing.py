"""How schemathesis signs in: as an administrator, and anew whenever a call it made has ended its session."""

import os
from typing import Any

import httpx2
import schemathesis


@schemathesis.auth(retry_on=[401])
class SignedInAgain:
    def get(self, _case: Any, _context: Any) -> str:
        form = {"username": os.environ["FUZZ_ACCOUNT"], "password": os.environ["FUZZ_PASSWORD"]}
        answer = httpx2.post(f"{os.environ['FUZZ_URL']}/api/v1/accounts/token", data=form, trust_env=False, timeout=30)
        token: str = answer.json()["access_token"]
        return token

    def set(self, case: Any, data: str, _context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
