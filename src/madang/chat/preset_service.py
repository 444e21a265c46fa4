"""Presets: what a person begins conversations with, again and again."""

from collections.abc import Sequence
from uuid import UUID

from madang.chat.errors import PresetNotFound, TooManyPresets
from madang.chat.models import Preset
from madang.chat.preset_repository import PresetRepository
from madang.chat.schemas import NewPreset, PresetPatch
from madang.db.session import Session
from madang.kit.clock import Clock

MOST = 100


class PresetService:
    """Within one unit."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._presets = PresetRepository(session)
        self._clock = clock

    async def of(self, account_id: UUID) -> Sequence[Preset]:
        """By name."""
        return await self._presets.of(account_id)

    async def add(self, account_id: UUID, new: NewPreset) -> Preset:
        """Raises `PresetNameTaken` or `TooManyPresets`."""
        if await self._presets.count(account_id) >= MOST:
            raise TooManyPresets(limit=MOST)
        preset = Preset(account_id=account_id, created_at=self._clock(), **new.model_dump())
        await self._presets.save(preset)
        return preset

    async def change(self, account_id: UUID, preset_id: UUID, patch: PresetPatch) -> Preset:
        """Raises `PresetNotFound` or `PresetNameTaken`; conversations that began with it stay as they are."""
        preset = await self._presets.get_own(account_id, preset_id)
        if preset is None:
            raise PresetNotFound
        for name, value in patch.model_dump(exclude_unset=True).items():
            setattr(preset, name, value)
        await self._presets.save(preset)
        return preset

    async def remove(self, account_id: UUID, preset_id: UUID) -> None:
        if not await self._presets.remove(account_id, preset_id):
            raise PresetNotFound
