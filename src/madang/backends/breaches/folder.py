"""A folder of ranges: one file a prefix, `ABCDE.txt`, with lines `SUFFIX:COUNT`, as the public downloaders write it."""

import asyncio
from pathlib import Path

from madang.backends.breaches.base import BreachesUnavailable, lists, split_hash
from madang.kit.unit_guard import forbid_in_unit


class BreachFolder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def contains(self, password: str) -> bool:
        forbid_in_unit("reading the breach corpus")
        prefix, suffix = split_hash(password)
        return lists(await asyncio.to_thread(self._range, prefix), suffix)

    def _range(self, prefix: str) -> str:
        """A range of which the folder has no file is empty; a folder that is not there can't be asked."""
        if not self._folder.is_dir():
            raise BreachesUnavailable(f"{self._folder} is no folder")
        try:
            return (self._folder / f"{prefix}.txt").read_text("ascii")
        except FileNotFoundError:
            return ""
        except (OSError, ValueError) as error:
            raise BreachesUnavailable(f"{self._folder}: {error}") from error
