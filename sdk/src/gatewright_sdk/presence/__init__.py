"""Who is connected."""

from __future__ import annotations

from gatewright_sdk.presence.http import HttpPresence
from gatewright_sdk.presence.interpreter import is_there
from gatewright_sdk.presence.presence import Presence
from gatewright_sdk.presence.provider import PresenceProvider
from gatewright_sdk.presence.redis import RedisPresence

__all__ = ["HttpPresence", "Presence", "PresenceProvider", "RedisPresence", "is_there"]
