"""What a host needs to open a plugin, and what can go wrong when it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from gatewright.clock import Clock, SystemClock
from gatewright.errors import OperatorError, StartError
from gatewright.metrics import Metrics
from gatewright.plugin.context import ServerInfo
from gatewright.plugin.deprecation import warn_of_methods
from gatewright.plugin.describe import describe, escaped, root_of
from gatewright.plugin.factory import Factory
from gatewright.plugin.offered import check_offers
from gatewright.plugin.settings import Settings
from gatewright.plugin.spec import Kind
from gatewright.plugin.supervisor import Pacing
from gatewright.wire.publication import PublicationLimits

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = [
    "BackendIncomplete",
    "DidNotOpen",
    "NeedNotMet",
    "OpenedTooSlowly",
    "PluginClosing",
    "Selection",
    "Surroundings",
    "check_backend",
]


class Selection(Protocol):
    """One plugin that was chosen, with what is needed to open it."""

    @property
    def kind(self) -> Kind:
        """Its kind."""
        ...

    @property
    def name(self) -> str:
        """The word in the YAML with its label."""
        ...

    @property
    def distribution(self) -> str:
        """Name and version of the distribution it comes from."""
        ...

    @property
    def factory(self) -> Factory[Any, Any]:
        """What the plugin declared."""
        ...

    @property
    def settings(self) -> Settings:
        """Its validated settings."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all hosts of a gateway share and hand on to their plugins.

    Attributes:
        log: The logger that each plugin's own is bound from.
        metrics: The gateway's metrics.
        node_id: This node's name.
        open_seconds: How long a plugin may take to open, to stop and to close.
        clock: The time.
        limits: How large a publication may be.
        server: Facts about the server.
        pacing: How fast failing plugins are restarted.
    """

    log: FilteringBoundLogger
    metrics: Metrics
    node_id: str
    open_seconds: float = 10.0
    clock: Clock = field(default_factory=SystemClock)
    limits: PublicationLimits = field(default_factory=PublicationLimits)
    server: ServerInfo = field(default_factory=ServerInfo)
    pacing: Pacing = field(default_factory=Pacing)


class OpenedTooSlowly(StartError):
    """A plugin did not open in time."""

    def __init__(self, name: str, distribution: str, seconds: float, step: str = "") -> None:
        self.name, self.distribution, self.seconds, self.step = name, distribution, seconds, step
        super().__init__(name, distribution, seconds, step)

    def __str__(self) -> str:
        last = f"; last step: {escaped(self.step)}" if self.step else ""
        return (
            f"plugin {self.name!r} ({self.distribution}) did not open within {self.seconds:g} s "
            f"(server.open_seconds){last}"
        )


class DidNotOpen(StartError):
    """A plugin raised when it was opened; what it raised is the cause."""

    def __init__(self, name: str, distribution: str, error: BaseException) -> None:
        self.name, self.distribution, self.error = name, distribution, error
        super().__init__(name, distribution, error)

    def __str__(self) -> str:
        plugin = f"plugin {self.name!r} ({self.distribution})"
        cause = root_of(self.error)
        if isinstance(cause, OperatorError):  # its text is meant for the operator as it is
            return f"{plugin}: " + "; ".join(map(escaped, str(cause).splitlines()))
        return f"{plugin} did not open: {describe(cause)}"


class BackendIncomplete(StartError):
    """What a plugin opened lacks something that its kind's protocol asks for."""

    def __init__(self, name: str, distribution: str, protocol: str, missing: Sequence[str]) -> None:
        self.name, self.distribution = name, distribution
        self.protocol, self.missing = protocol, tuple(missing)
        super().__init__(name, distribution, protocol, missing)

    def __str__(self) -> str:
        lacks = " and ".join(repr(name) for name in self.missing)
        return (
            f"plugin {self.name!r} ({self.distribution}): what it opens lacks {lacks}, "
            f"which {self.protocol} asks for"
        )


_ASKED_FOR: Final[Mapping[Kind, tuple[str, tuple[str, ...]]]] = {
    "auth": ("Authenticator", ("authenticate", "reauthenticate")),
    "transport": ("Transport", ("reach", "run")),
    "presence": ("Presence", ("refresh_seconds", "joined", "left", "refresh", "find")),
    "events": ("EventSink", ("send",)),
    "dead_letters": ("DeadLetterStore", ("put", "read", "mark", "remove")),
    "rate_limit": ("RateLimit", ("per_second", "burst", "admission")),
    "bus": ("Bus", ("publish", "run")),
}


def check_backend(selection: Selection, backend: object) -> None:
    """Make sure that a backend has what its kind's protocol asks for, and no more that is unusable.

    Warns of methods that are deprecated.

    Raises:
        BackendIncomplete: It lacks something.
        OfferUnusable: The core could not call what it offers beside that.
    """
    protocol, names = _ASKED_FOR.get(selection.kind, ("", ()))
    missing = [name for name in names if not hasattr(backend, name)]
    if missing:
        raise BackendIncomplete(selection.name, selection.distribution, protocol, missing)
    check_offers(selection, backend)
    warn_of_methods(selection.kind, backend)


class NeedNotMet(StartError):
    """A plugin needs what this gateway does not offer."""

    def __init__(self, name: str, distribution: str, need: str) -> None:
        self.name, self.distribution, self.need = name, distribution, need
        super().__init__(name, distribution, need)

    def __str__(self) -> str:
        return (
            f"plugin {self.name!r} ({self.distribution}) needs {self.need!r}, "
            "which this gateway does not offer"
        )


class PluginClosing(RuntimeError):
    """A plugin starts a task while it is being closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)

    def __str__(self) -> str:
        return f"plugin {self.name!r} is closing; it cannot start tasks any more"
