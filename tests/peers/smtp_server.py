"""An SMTP server as a process of its own: keeps what it takes as files; `full@…` is put off, `nobody@…` refused.

`python -m tests.peers.smtp_server FOLDER` prints its port.
"""

import argparse
import asyncio
import itertools
import ssl
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Box:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd looks for
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("full@"):
            return "452 4.2.2 mailbox full"
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        name = f"{next(self._numbers):04}.eml"
        content = envelope.original_content or b""
        (self._folder / f".{name}").write_bytes(content)
        (self._folder / f".{name}").rename(self._folder / name)
        return "250 OK"


async def serve(folder: Path, port: int, tls: list[str], kind: str, credentials: list[str]) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if tls else None
    if context is not None:
        context.load_cert_chain(*tls)
    box, starttls = Box(folder), context if kind == "starttls" else None

    def authenticate(
        _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(handled=False, success=[data.login.decode(), data.password.decode()] == credentials)

    def make() -> SMTP:
        return SMTP(
            box,
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=authenticate,
            auth_required=bool(credentials),
            auth_require_tls=kind == "starttls",
        )

    server = await asyncio.get_running_loop().create_server(
        make, "127.0.0.1", port, ssl=context if kind == "tls" else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    given = argparse.ArgumentParser()
    given.add_argument("folder", type=Path)
    given.add_argument("--port", type=int, default=0)
    given.add_argument("--certificate", nargs=2, default=[])
    given.add_argument("--kind", choices=["plain", "starttls", "tls"], default="plain")
    given.add_argument("--credentials", nargs=2, default=[])
    chosen = given.parse_args()
    asyncio.run(serve(chosen.folder, chosen.port, chosen.certificate, chosen.kind, chosen.credentials))
