"""Mail by SMTP (RFC 5321), submitted to the server of the URL; one connection a message."""

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from madang.backends.mail.base import MailRefused, MailUnavailable
from madang.kit.unit_guard import forbid_in_unit
from madang.settings import BadSettings

_SECONDS = 20
_PERMANENT = 500
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_NOT_OF_THE_MESSAGE = (530, 534, 535, 538)  # the server doesn't know us (RFC 4954 §6): the operator's to mend


@dataclass(frozen=True, slots=True)
class Submission:
    """Where and how to submit: `smtps://` is TLS from the first byte (RFC 8314), `smtp://` is STARTTLS.

    `?tls=none` sends in the clear, as is the rule for a server on this machine; `?tls=required` changes that.
    """

    host: str
    port: int
    user: str | None
    password: str | None
    is_tls: bool
    is_starttls: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises `BadSettings`, which never quotes the URL, since it may hold a password."""
        parts = urlsplit(url)
        tls = parse_qs(parts.query).get("tls", ["none" if parts.hostname in _LOOPBACK else "required"])[-1]
        try:
            port = parts.port
        except ValueError:
            port = 0
        if not parts.hostname or port == 0 or tls not in {"required", "none"}:
            raise BadSettings("MADANG_MAIL_URL: write smtp://user:password@host:587, smtps://…, or add ?tls=none")
        implicit = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=port or (465 if implicit else 587),
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            is_tls=implicit,
            is_starttls=not implicit and tls == "required",
        )


class SmtpMail:
    def __init__(self, url: str) -> None:
        self._to = Submission.parse(url)

    async def send(self, message: EmailMessage) -> None:
        forbid_in_unit("sending mail")
        try:
            async with self._connection() as connection:
                await connection.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(refusal.code >= _PERMANENT for refusal in error.recipients):
                raise MailRefused(str(error)) from None
            raise
        except aiosmtplib.SMTPResponseException as error:
            if error.code >= _PERMANENT and error.code not in _NOT_OF_THE_MESSAGE:
                raise MailRefused(str(error)) from None
            raise

    async def check(self) -> None:
        try:
            async with self._connection() as connection:
                await connection.noop()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailUnavailable(str(error)) from None

    def _connection(self) -> aiosmtplib.SMTP:
        """Entering it connects, secures and signs in."""
        return aiosmtplib.SMTP(
            hostname=self._to.host,
            port=self._to.port,
            username=self._to.user,
            password=self._to.password,
            use_tls=self._to.is_tls,
            start_tls=self._to.is_starttls,
            timeout=_SECONDS,
        )

    async def close(self) -> None:
        return None
