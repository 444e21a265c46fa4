"""Which facts are sent to others: all, but those that are errands within the house."""

from collections.abc import Iterable
from types import ModuleType
from typing import ClassVar
from uuid import UUID

from madang.accounts import events as accounts
from madang.apikeys import events as apikeys
from madang.captions import events as captions
from madang.chat import events as chat
from madang.factors import events as factors
from madang.federation import events as federation
from madang.kit.event import Event
from madang.media import events as media
from madang.privacy import events as privacy
from madang.sessions import events as sessions

_MODULES = (accounts, apikeys, captions, chat, factors, federation, media, privacy, sessions)
_ERRANDS = (sessions.NoticeDue, sessions.MailProofRequested, privacy.ErasureDue)


def _facts(module: ModuleType) -> list[type[Event]]:
    found = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Event)]
    return [kind for kind in found if kind is not Event and kind not in _ERRANDS]


PUBLIC: list[type[Event]] = [kind for module in _MODULES for kind in _facts(module)]


class WebhookPinged(Event):
    """Somebody wants to see whether a webhook works; it goes to that one alone."""

    name: ClassVar[str] = "webhooks.webhook_pinged.v1"
    webhook_id: UUID


def patterns_of(event: type[Event] | Event) -> frozenset[str]:
    """Every way to ask for an event: with its version or without, with all of its feature, or with everything."""
    feature, unversioned = event.name.partition(".")[0], event.name.rpartition(".v")[0]
    return frozenset({"*", f"{feature}.*", event.name, unversioned})


_PATTERNS = frozenset[str]().union(*map(patterns_of, PUBLIC))


def unknown(patterns: Iterable[str]) -> list[str]:
    """Those that no event will ever fit."""
    return [pattern for pattern in patterns if pattern not in _PATTERNS]
