"""What every bus between gatewright's nodes needs: messages as bytes, counts, canary."""

from __future__ import annotations

from gatewright_bus_kit.codec import Answer, Answers, Beat, Envelope, Unreadable, decode, encode
from gatewright_bus_kit.core import BusCore
from gatewright_bus_kit.link import Link, Receive

__all__ = [
    "Answer",
    "Answers",
    "Beat",
    "BusCore",
    "Envelope",
    "Link",
    "Receive",
    "Unreadable",
    "decode",
    "encode",
]
