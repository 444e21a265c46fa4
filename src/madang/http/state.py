"""What the application opens once and every request may reach."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from madang.backends import Backends
from madang.http.caller import Authenticators
from madang.kit.clock import Clock
from madang.kit.hashing import PasswordHasher
from madang.kit.refusals import Refusals
from madang.kit.secrets import Keyring
from madang.settings import Settings


@dataclass(frozen=True, slots=True)
class Running:
    """One running application: its settings, its open back ends, and what the edge needs beside them."""

    settings: Settings
    backends: Backends
    hasher: PasswordHasher
    keyring: Keyring
    clock: Clock
    authenticator: Authenticators
    refusals: Refusals = field(default_factory=Refusals)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def running(request: HTTPConnection) -> Running:
    """What runs; dependencies of other dependencies call this, since one more level of them costs 10 µs a request."""
    state: Running = request.app.state.running
    return state


async def _app(request: Request) -> Running:
    return running(request)


App = Annotated[Running, Depends(_app)]
