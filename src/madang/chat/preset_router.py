"""What one begins conversations with."""

from uuid import UUID

from fastapi import APIRouter, Response

from madang.chat.deps import Presets, PresetsReading
from madang.chat.schemas import NewPreset, PresetPatch, PresetsView, PresetView
from madang.http.caller import CurrentUser, requires
from madang.http.limits import limited_by_person

router = APIRouter(
    prefix="/api/v1/chat/presets", tags=["chat"], dependencies=[requires("chat"), limited_by_person("chat")]
)


@router.get("", summary="One's own presets, by name")
async def list_presets(user: CurrentUser, presets: PresetsReading) -> PresetsView:
    return PresetsView(items=[PresetView.model_validate(one) for one in await presets.of(user.id)])


@router.post("", status_code=201, summary="Keep a system prompt and a model under a name")
async def add_preset(body: NewPreset, user: CurrentUser, presets: Presets, response: Response) -> PresetView:
    """Begin a conversation with its `system_prompt`, and ask its `model`."""
    preset = await presets.add(user.id, body)
    response.headers["Location"] = f"{router.prefix}/{preset.id}"
    return PresetView.model_validate(preset)


@router.patch("/{preset_id}", summary="Change a preset")
async def change_preset(preset_id: UUID, body: PresetPatch, user: CurrentUser, presets: Presets) -> PresetView:
    return PresetView.model_validate(await presets.change(user.id, preset_id, body))


@router.delete("/{preset_id}", status_code=204, summary="Remove a preset")
async def remove_preset(preset_id: UUID, user: CurrentUser, presets: Presets) -> None:
    await presets.remove(user.id, preset_id)
