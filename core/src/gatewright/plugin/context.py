"""What a backend gets to work with: its own corner of the gateway, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from gatewright.clock import Clock, SystemClock
from gatewright.errors import GatewrightError
from gatewright.wire.publication import PublicationLimits

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from structlog.typing import FilteringBoundLogger

    from gatewright.plugin.protocols import (
        DeadLetterStore,
        Membership,
        Presence,
        Publish,
        SendCommand,
    )

__all__ = ["Needs", "NotDeclared", "PluginContext", "ServerInfo"]

Needs = Literal["publish", "command", "presence", "membership", "dead_letters", "issue_token"]
"""What a factory may ask for beyond the plain context."""

IssueToken = Callable[[str], str]
"""Makes a token for a user id; only there in development."""


def _no_step(step: str) -> None:
    """Take no note of a step: there is nobody to tell."""


class NotDeclared(GatewrightError):
    """A plugin used what its factory does not name in ``needs``; the author's mistake."""

    def __init__(self, plugin: str, need: str) -> None:
        self.plugin, self.need = plugin, need
        super().__init__(plugin, need)

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} uses {self.need!r}; name it in its factory's needs"


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The few facts about the server that plugins decide by.

    Attributes:
        path: Where the WebSocket is, such as ``/ws``.
        separate_internal: Whether ``/internal`` has a bind of its own.
        development: Whether this is ``gatewright dev``.
        state_directory: Where local state may be written.
    """

    path: str = "/ws"
    separate_internal: bool = False
    development: bool = False
    state_directory: Path = Path("var")


@dataclass(frozen=True, slots=True)
class PluginContext:
    """What a backend gets when it opens.

    Attributes:
        name: The plugin's name as the configuration has it, with its label: ``redis_stream/eu``.
        log: A structlog logger bound to ``plugin=name``. Never log tokens or secrets.
        metrics: The gateway's registry; name metrics ``gatewright_<plugin>_…``, no user ids.
        clock: The time.
        node_id: This node's name, unique in the cluster.
        limits: How large a publication may be.
        server: Facts about the server.
        spawn: Start a task in the plugin's own group: ``spawn(function, *args)``. It is cancelled
            before the backend is closed; raising counts as the backend's ``run`` raising: it is
            logged and counted, and the function is called again after a pause.
        step: Say what opening is about to do: ``step("reading ca.pem")``. Named when opening
            takes too long; no secrets.
    """

    name: str
    log: FilteringBoundLogger
    metrics: CollectorRegistry
    node_id: str
    spawn: Callable[..., None]
    clock: Clock = field(default_factory=SystemClock)
    limits: PublicationLimits = field(default_factory=PublicationLimits)
    server: ServerInfo = field(default_factory=ServerInfo)
    step: Callable[[str], None] = _no_step
    provided: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def publish(self) -> Publish:
        """Publish to connected clients (needs ``publish``)."""
        return cast("Publish", self._needed("publish"))

    @property
    def presence(self) -> Presence:
        """Ask who is connected (needs ``presence``)."""
        return cast("Presence", self._needed("presence"))

    @property
    def command(self) -> SendCommand:
        """Command the connections of all nodes (needs ``command``)."""
        return cast("SendCommand", self._needed("command"))

    @property
    def membership(self) -> Membership:
        """Deal with nodes that are gone (needs ``membership``; presence only)."""
        return cast("Membership", self._needed("membership"))

    @property
    def dead_letters(self) -> DeadLetterStore:
        """Write down what cannot be delivered (needs ``dead_letters``)."""
        return cast("DeadLetterStore", self._needed("dead_letters"))

    @property
    def issue_token(self) -> IssueToken:
        """Make a token for a user id (needs ``issue_token``); only in development."""
        return cast("IssueToken", self._needed("issue_token"))

    def _needed(self, need: str) -> object:
        try:
            return self.provided[need]
        except KeyError:
            raise NotDeclared(self.name, need) from None
