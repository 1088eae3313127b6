"""Whether other nodes are there that this one's publications do not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatewright.model import Health
from gatewright.plugin.protocols import SeesNodes

if TYPE_CHECKING:
    from gatewright.server.opened import Opened

__all__ = ["CLUSTER", "neighbours"]

CLUSTER: Final = "cluster"
"""The capability of a bus that reaches all nodes."""


def neighbours(opened: Opened) -> Health | None:
    """Say how the other nodes are reached; ``None`` where there are none, or none can be seen.

    Not ready where a transport brings each message to one node only, the bus ends at this node,
    and the presence store shows others: their clients would miss it without anybody noticing.
    """
    presence = opened.presence.backend
    others = presence.other_nodes() if isinstance(presence, SeesNodes) else 0
    if not others:
        return None
    alone = [host.key for host in opened.transports if host.backend.reach == "node"]
    facts = {"nodes": others}
    if not alone or opened.bus.offers(CLUSTER):
        return Health(ready=True, facts=facts)
    detail = (
        f"{opened.presence.key} sees {others} more, and {opened.bus.key} reaches none of them, so "
        f"what {' and '.join(alone)} brings stays here; choose a bus that all nodes share"
    )
    return Health(ready=False, detail=detail, facts=facts)
