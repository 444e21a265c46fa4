"""Letters: what a mail says in both languages, and the message it becomes (RFC 5322), plain text beside HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from html import escape

from madang.kit.problems import Text

_HTML = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<body style="margin:0;padding:24px;background:#f4f4f2;color:#1c1c1a;font:16px/1.6 system-ui,sans-serif">
<div style="max-width:34em;margin:auto;padding:32px;background:#fff;border-radius:12px">
<h1 style="margin:0 0 16px;font-size:20px">{subject}</h1>
{body}
</div>
</body></html>
"""
_PARAGRAPH = '<p style="margin:0 0 16px">{}</p>'
_CODE = '<p style="margin:0 0 16px;font:600 26px/1.4 ui-monospace,monospace;letter-spacing:.12em">{}</p>'
_BUTTON = (
    '<p style="margin:0 0 16px"><a href="{link}" style="display:inline-block;padding:10px 20px;'
    'background:#1f5c4d;color:#fff;border-radius:8px;text-decoration:none">{action}</a></p>'
)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all letters of an installation share: the sender, and the address that links lead to."""

    sender: str
    site: str


@dataclass(frozen=True, slots=True)
class Letter:
    """Sentences with `{names}`; a letter with `action` carries the code and the link that are given to `compose`."""

    subject: Text
    paragraphs: tuple[Text, ...]
    action: Text | None = None


def compose(
    letter: Letter, head: Letterhead, to: str, language: str, values: Mapping[str, str], reference: str
) -> EmailMessage:
    """The message; `values` hold what the sentences name, and `code` and `link` for a letter with an action.

    `reference` makes the Message-ID, so that a letter which is sent twice after a crash is recognised as one.
    """
    subject = letter.subject.render(language, values)
    paragraphs = [text.render(language, values) for text in letter.paragraphs]
    message = EmailMessage(policy=SMTP)
    message["From"] = head.sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{reference}@{parseaddr(head.sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    action = letter.action.render(language, values) if letter.action else ""
    message.set_content("\n\n".join([*paragraphs[:1], *_plain_action(action, values), *paragraphs[1:]]) + "\n")
    message.add_alternative(_html(subject, paragraphs, action, language, values), subtype="html")
    message["Content-Language"] = language  # last, since setting the content clears what describes it
    return message


def _plain_action(action: str, values: Mapping[str, str]) -> list[str]:
    return [values["code"], f"{action}: {values['link']}"] if action else []


def _html(subject: str, paragraphs: list[str], action: str, language: str, values: Mapping[str, str]) -> str:
    parts = [_PARAGRAPH.format(escape(text)) for text in paragraphs]
    if action:
        button = _BUTTON.format(link=escape(values["link"]), action=escape(action))
        parts[1:1] = [_CODE.format(escape(values["code"])), button]
    return _HTML.format(language=language, subject=escape(subject), body="\n".join(parts))
