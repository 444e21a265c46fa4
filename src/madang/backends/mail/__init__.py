"""The mail port."""

from urllib.parse import urlsplit

from madang.backends.mail.base import Mail
from madang.settings import BadSettings


def open_mail(url: str) -> Mail | None:
    """The adapter of the URL; None for `none`, which switches mail off."""
    if url == "none":
        return None
    match urlsplit(url).scheme:
        case "console":
            from madang.backends.mail.console import ConsoleMail

            return ConsoleMail()
        case "smtp" | "smtps":
            from madang.backends.mail.smtp import SmtpMail

            return SmtpMail(url)
        case scheme:
            raise BadSettings(f"MADANG_MAIL_URL: no adapter for {scheme!r}; use smtp://, smtps://, console:// or none")
