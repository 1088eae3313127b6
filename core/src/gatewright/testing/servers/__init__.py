"""Servers that a gateway talks to, scripted: what they answer, and what they were asked."""

from __future__ import annotations

from gatewright.testing.servers.key_set import KeySetServer
from gatewright.testing.servers.scripted import Answer, Request, Script
from gatewright.testing.servers.webhook import WebhookServer

__all__ = ["Answer", "KeySetServer", "Request", "Script", "WebhookServer"]
