"""Imports every model once, so that the metadata is whole wherever it is needed."""

import madang.accounts.models
import madang.apikeys.models
import madang.audit.models
import madang.captions.models
import madang.chat.models
import madang.factors.models
import madang.federation.models
import madang.media.models
import madang.outbox.models
import madang.privacy.models
import madang.sessions.models
import madang.webhooks.models
from madang.db.base import Base

metadata = Base.metadata

__all__ = ["madang", "metadata"]
