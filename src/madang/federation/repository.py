"""All SQL of federated sign-in."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from madang.accounts.models import Account
from madang.backends.oidc.base import Claims
from madang.db.session import Session, changed_rows
from madang.federation.errors import IdentityTaken
from madang.federation.models import Identity, OidcState


class FederationRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add_state(self, state: OidcState) -> None:
        self._session.add(state)
        await self._session.flush()

    async def use_state(self, digest: bytes, provider: str, browser: bytes, now: datetime) -> OidcState | None:
        """Delete and return it, if it is this provider's and this browser's and young enough; of two at once one
        succeeds."""
        states = await self._session.scalars(
            delete(OidcState)
            .where(OidcState.digest == digest, OidcState.provider == provider)
            .where(OidcState.browser == browser, OidcState.expires_at > now)
            .returning(OidcState),
            execution_options={"synchronize_session": False},
        )
        return states.one_or_none()

    async def has_states(self, browser: bytes, now: datetime) -> bool:
        waiting = select(OidcState.digest).where(OidcState.browser == browser, OidcState.expires_at > now)
        return bool(await self._session.scalar(select(waiting.exists())))

    async def delete_states(self, before: datetime, limit: int) -> int:
        """Delete states that ran out before that time."""
        old = select(OidcState.digest).where(OidcState.expires_at < before).limit(limit)
        return changed_rows(await self._session.execute(delete(OidcState).where(OidcState.digest.in_(old))))

    async def add(self, identity: Identity) -> None:
        """Raises `IdentityTaken`; the database decides, so two at once can't both have it."""
        self._session.add(identity)
        try:
            await self._session.flush()
        except IntegrityError:
            raise IdentityTaken from None

    async def by_subject(self, issuer: str, subject: str) -> Identity | None:
        return await self._session.scalar(
            select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
        )

    async def release(self, claims: Claims) -> None:
        """Take the identity from an account that was deleted: like its id and its address, it is free at once."""
        deleted = select(Account.id).where(Account.deleted_at.is_not(None))
        await self._session.execute(
            delete(Identity)
            .where(Identity.issuer == claims.issuer, Identity.subject == claims.subject)
            .where(Identity.account_id.in_(deleted)),
            execution_options={"synchronize_session": False},
        )

    async def use(self, claims: Claims, now: datetime) -> UUID | None:
        """Note that it was used, and what the provider said of the mail; returns whose account it opens.

        The row is kept as it is until the unit ends, so it can't be unlinked meanwhile.
        """
        statement = (
            update(Identity)
            .where(Identity.issuer == claims.issuer, Identity.subject == claims.subject)
            .values(last_used_at=now, email=claims.email, email_verified=claims.is_email_verified)
            .returning(Identity.account_id)
        )
        return await self._session.scalar(statement)

    async def of_account(self, account_id: UUID) -> Sequence[Identity]:
        statement = select(Identity).where(Identity.account_id == account_id).order_by(Identity.created_at)
        return (await self._session.scalars(statement)).all()

    async def remove(self, identity: Identity) -> None:
        await self._session.delete(identity)
        await self._session.flush()
