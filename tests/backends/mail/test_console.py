"""The embedded mail: what was sent can be read where the server was started."""

import io
from email.message import EmailMessage

import pytest

from madang.backends.mail import open_mail
from madang.backends.mail.console import ConsoleMail
from madang.settings import BadSettings


def letter(html: bool = False) -> EmailMessage:
    made = EmailMessage()
    made["To"] = "minji@example.com"
    made["Subject"] = "인증 코드"
    made.set_content("코드는 ABCD-EFGH 입니다.", subtype="html" if html else "plain")
    return made


@pytest.mark.parametrize("html", [False, True])
async def test_every_script_is_readable(html: bool) -> None:
    out = io.StringIO()
    mail = ConsoleMail(out)
    await mail.send(letter(html))
    for text in ("minji@example.com", "인증 코드", "코드는 ABCD-EFGH 입니다."):
        assert text in out.getvalue()


async def test_of_two_forms_the_plain_one_is_shown() -> None:
    both = letter()
    both.add_alternative("<b>ABCD</b>", subtype="html")
    out = io.StringIO()
    await ConsoleMail(out).send(both)
    assert "ABCD-EFGH" in out.getvalue()
    assert "<b>" not in out.getvalue()


async def test_a_letter_without_words_is_sent_too() -> None:
    empty = EmailMessage()
    empty["To"] = "minji@example.com"
    out = io.StringIO()
    await ConsoleMail(out).send(empty)
    assert "minji@example.com" in out.getvalue()


def test_mail_can_be_switched_off() -> None:
    assert open_mail("none") is None
    assert isinstance(open_mail("console://"), ConsoleMail)


def test_an_unknown_adapter_names_the_setting_and_hides_its_password() -> None:
    with pytest.raises(BadSettings, match="MADANG_MAIL_URL") as caught:
        open_mail("pigeon://me:hunter2@loft")
    assert "hunter2" not in str(caught.value)
