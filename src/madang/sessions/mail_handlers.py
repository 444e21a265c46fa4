"""Facts that end in a letter. A fact becomes a `NoticeDue` with a key of its own, so that a mail server which is down
holds up its letters and nothing else."""

from collections.abc import Awaitable, Callable

from madang.accounts.deps import build_accounts
from madang.accounts.events import AccountDeleted, AccountRegistered
from madang.apikeys.events import ApiKeyMade
from madang.db.session import Session
from madang.factors.events import PasskeyAdded, PasskeyCloneSuspected, PasskeyRemoved, TotpEnrolled, TotpRemoved
from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.kit.ids import new_id
from madang.kit.secrets import Keyring
from madang.outbox.delivery import Delivery, Handlers, seen, was_seen
from madang.outbox.publish import Outbox
from madang.sessions.budget_service import may_mail
from madang.sessions.events import (
    EmailProven,
    MailProofRequested,
    NoticeDue,
    PasswordChanged,
    RefreshTokenReuseDetected,
    SessionStarted,
)
from madang.sessions.letter_service import LetterService
from madang.sessions.proof_service import VERIFY, ProofService
from madang.sessions.repository import SessionRepository

_NOTE, _LETTER = "sessions.notice", "sessions.letter"
_PLAIN = (
    ApiKeyMade,
    AccountDeleted,
    RefreshTokenReuseDetected,
    TotpEnrolled,
    TotpRemoved,
    PasskeyAdded,
    PasskeyRemoved,
    PasskeyCloneSuspected,
)
Concern = Callable[[Event, Session, Keyring], Awaitable[NoticeDue | None]]


def _telling(concern: Concern) -> Callable[[Event, Delivery], Awaitable[None]]:
    """A handler that does what a fact calls for in a unit of its own, once, and publishes the notice that is due."""

    async def tell(event: Event, delivery: Delivery) -> None:
        if delivery.backends.mail is None:
            return
        async with delivery.backends.database.unit() as session:
            if await seen(session, delivery.event_id, _NOTE):
                return
            notice = await concern(event, session, delivery.backends.keyring)
            if notice is not None:
                Outbox(session).publish(notice, key=new_id())

    return tell


def _plain(notice: str) -> Concern:
    async def concern(event: Event, _session: Session, _keyring: Keyring) -> NoticeDue:
        assert isinstance(event, _PLAIN)  # noqa: S101 - the table below
        return NoticeDue(notice=notice, account_id=event.account_id)

    return concern


async def _password(event: Event, _session: Session, _keyring: Keyring) -> NoticeDue:
    assert isinstance(event, PasswordChanged)  # noqa: S101 - the table below
    notice = "password_reset" if event.by == "reset" else "password_changed"
    return NoticeDue(notice=notice, account_id=event.account_id)


async def _device(event: Event, session: Session, _keyring: Keyring) -> NoticeDue | None:
    assert isinstance(event, SessionStarted)  # noqa: S101 - the table below
    if await SessionRepository(session).is_known_device(event.session_id):
        return None
    return NoticeDue(notice="new_device", account_id=event.account_id)


async def _former_address(event: Event, _session: Session, _keyring: Keyring) -> NoticeDue:
    assert isinstance(event, EmailProven)  # noqa: S101 - the table below
    return NoticeDue(notice="email_changed", account_id=event.account_id, proof_id=event.proof_id)


async def _proof(event: Event, session: Session, keyring: Keyring) -> None:
    """An address given at sign-up gets its code; one that is somebody's already will tell its owner instead."""
    assert isinstance(event, AccountRegistered)  # noqa: S101 - the table below
    accounts = build_accounts(session)
    account = await accounts.get(event.account_id)
    email = account.unproven_email if account else None
    proofs = ProofService(session, accounts, keyring, utc_now)
    if email and not await proofs.is_invited(event.account_id) and await may_mail(session, email, utc_now()):
        await proofs.request(VERIFY, email, account)


async def mail_code(event: Event, delivery: Delivery) -> None:
    assert isinstance(event, MailProofRequested)  # noqa: S101 - the table below
    await _once(delivery, lambda letters: letters.send_proof(event.proof_id))


async def mail_notice(event: Event, delivery: Delivery) -> None:
    assert isinstance(event, NoticeDue)  # noqa: S101 - the table below
    values = {"time": f"{delivery.at:%Y-%m-%d %H:%M}", "provider": event.provider or ""}
    await _once(delivery, lambda letters: letters.send_notice(event, values, delivery.event_id))


async def _once(delivery: Delivery, send: Callable[[LetterService], Awaitable[None]]) -> None:
    """Send first, note it then: a letter rather comes twice than never."""
    backends = delivery.backends
    if backends.mail is None:
        return
    async with backends.database.read_unit() as session:
        if await was_seen(session, delivery.event_id, _LETTER):
            return
    await send(
        LetterService(backends.database, build_accounts, backends.mail, backends.letterhead, backends.keyring, utc_now)
    )
    async with backends.database.unit() as session:
        await seen(session, delivery.event_id, _LETTER)


handlers: Handlers = {
    AccountRegistered: [_telling(_proof)],
    MailProofRequested: [mail_code],
    NoticeDue: [mail_notice],
    SessionStarted: [_telling(_device)],
    PasswordChanged: [_telling(_password)],
    EmailProven: [_telling(_former_address)],
    RefreshTokenReuseDetected: [_telling(_plain("token_reused"))],
    ApiKeyMade: [_telling(_plain("api_key_made"))],
    TotpEnrolled: [_telling(_plain("factor_added"))],
    TotpRemoved: [_telling(_plain("factor_removed"))],
    AccountDeleted: [_telling(_plain("account_deleted"))],
    PasskeyAdded: [_telling(_plain("passkey_added"))],
    PasskeyRemoved: [_telling(_plain("passkey_removed"))],
    PasskeyCloneSuspected: [_telling(_plain("passkey_cloned"))],
}
