"""SQL of presets."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from madang.chat.errors import PresetNameTaken
from madang.chat.models import Preset
from madang.db.session import Session, changed_rows


class PresetRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def of(self, account_id: UUID) -> Sequence[Preset]:
        own = select(Preset).where(Preset.account_id == account_id)
        return (await self._session.scalars(own.order_by(Preset.name))).all()

    async def count(self, account_id: UUID) -> int:
        return await self._session.scalar(select(func.count(Preset.id)).where(Preset.account_id == account_id)) or 0

    async def get_own(self, account_id: UUID, preset_id: UUID) -> Preset | None:
        own = select(Preset).where(Preset.id == preset_id, Preset.account_id == account_id)
        return await self._session.scalar(own.with_for_update())

    async def save(self, preset: Preset) -> None:
        """Raises `PresetNameTaken`; the database decides, so two at once can't both have it."""
        name = preset.name
        self._session.add(preset)
        try:
            await self._session.flush()
        except IntegrityError:
            raise PresetNameTaken(name=name) from None

    async def remove(self, account_id: UUID, preset_id: UUID) -> bool:
        statement = delete(Preset).where(Preset.id == preset_id, Preset.account_id == account_id)
        return changed_rows(await self._session.execute(statement)) == 1
