"""Mail by SMTP, against a real server in a process of its own."""

import datetime
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.inboxes import Inbox, mail_server

from madang.backends.mail import open_mail
from madang.backends.mail.base import Mail, MailRefused, MailUnavailable
from madang.backends.mail.smtp import Submission
from madang.settings import BadSettings

TO = "minji@example.com"


def letter(to: str = TO) -> EmailMessage:
    made = EmailMessage()
    made["From"] = "마당 <no-reply@example.org>"
    made["To"] = to
    made["Subject"] = "인증 코드"
    made.set_content("코드는 ABCD-EFGH 입니다.\n.\n끝")
    made.add_alternative("<b>ABCD-EFGH</b>", subtype="html")
    return made


def opened(url: str) -> Mail:
    mail = open_mail(url)
    assert mail is not None
    return mail


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inbox]:
    with mail_server(tmp_path_factory.mktemp("mail")) as running:
        yield running


async def test_every_script_arrives(inbox: Inbox) -> None:
    await opened(inbox.url).send(letter("all@example.com"))
    found = await inbox.wait("all@example.com")
    assert found.subject == "인증 코드"
    assert found.text == "코드는 ABCD-EFGH 입니다.\n.\n끝\n"
    assert "<b>ABCD-EFGH</b>" in found.html
    assert found.message["From"] == "마당 <no-reply@example.org>"


async def test_a_refusal_for_good_is_told_from_one_for_now(inbox: Inbox) -> None:
    with pytest.raises(MailRefused):
        await opened(inbox.url).send(letter("nobody@example.com"))
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await opened(inbox.url).send(letter("full@example.com"))


async def test_a_server_that_is_away_is_no_refusal() -> None:
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await opened("smtp://127.0.0.1:9").send(letter())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """For 127.0.0.1, signed by itself."""
    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.mark.parametrize(("kind", "url"), [("starttls", "smtp://{}?tls=required"), ("tls", "smtps://{}")])
async def test_credentials_travel_under_tls_only(
    tmp_path: Path, certificate: tuple[str, str], kind: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--certificate", *certificate, "--kind", kind, "--credentials", "madang", "p@ss word")
    with mail_server(tmp_path / "box", *options) as inbox:
        address = f"madang:p%40ss%20word@localhost:{inbox.port}"
        with pytest.raises((aiosmtplib.SMTPConnectError, ssl.SSLError), match="CERTIFICATE_VERIFY_FAILED"):
            await opened(url.format(address)).send(letter())
        monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
        await opened(url.format(address)).send(letter())
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await opened(url.format(f"madang:wrong@localhost:{inbox.port}")).send(letter())
        await inbox.wait(TO)


@pytest.mark.parametrize(
    ("url", "port", "is_tls", "is_starttls"),
    [
        ("smtp://mail.example.org", 587, False, True),
        ("smtp://mail.example.org:25?tls=none", 25, False, False),
        ("smtps://mail.example.org", 465, True, False),
        ("smtp://localhost:1025", 1025, False, False),
    ],
)
def test_tls_is_the_rule_beyond_this_machine(url: str, port: int, is_tls: bool, is_starttls: bool) -> None:
    parsed = Submission.parse(url)
    assert (parsed.port, parsed.is_tls, parsed.is_starttls) == (port, is_tls, is_starttls)


@pytest.mark.parametrize("url", ["smtp://", "smtp://u:hunter2@h:banana", "smtp://u:hunter2@h?tls=maybe"])
def test_a_url_that_says_nothing_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSettings, match="MADANG_MAIL_URL") as caught:
        open_mail(url)
    assert "hunter2" not in str(caught.value)


async def test_a_check_tells_a_server_that_listens_from_one_that_does_not(inbox: Inbox) -> None:
    await opened(inbox.url).check()
    with pytest.raises(MailUnavailable, match="9"):
        await opened("smtp://127.0.0.1:9").check()
