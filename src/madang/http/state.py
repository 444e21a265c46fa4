"""What the application opens once and every request may reach."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from madang.backends import Backends
from madang.http.caller import Authenticator
from madang.kit.clock import Clock
from madang.kit.hashing import PasswordHasher
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
    authenticator: Authenticator
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def running(request: Request) -> Running:
    state: Running = request.app.state.running
    return state


App = Annotated[Running, Depends(running)]
