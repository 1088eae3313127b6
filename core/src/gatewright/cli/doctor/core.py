"""Everything there is to look at for one configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Final

from gatewright.cli.doctor.addresses import look_at_addresses
from gatewright.cli.doctor.certificate import look_at_certificate
from gatewright.cli.doctor.driver import look_at_driver
from gatewright.cli.doctor.examining import Examination
from gatewright.cli.doctor.machine import (
    look_at_keepalive,
    look_at_node_id,
    look_at_open_files,
    look_at_python,
    look_at_state_directory,
)
from gatewright.cli.doctor.secrets import Secrets
from gatewright.config.facts import publication_limits, server_info
from gatewright.config.result import Config, Selected
from gatewright.config.settings import CoreSettings
from gatewright.plugin.diagnosis import DiagnosisContext, Finding
from gatewright.plugin.spec import section_of
from gatewright.state import state_directory

__all__ = ["examinations"]

CORE: Final = "core"
ORIGIN: Final = "gatewright"

_Look = Callable[[CoreSettings], AsyncIterator[Finding]]
_LOOKS: Final[tuple[_Look, ...]] = (
    look_at_python,
    look_at_open_files,
    look_at_state_directory,
    look_at_node_id,
    look_at_keepalive,
    look_at_certificate,
    look_at_addresses,
    look_at_driver,
)


def examinations(config: Config) -> Iterator[Examination]:
    """Yield what the core looks at itself, and what each plugin in use offers to look at."""
    for look in _LOOKS:
        yield Examination(CORE, partial(look, config.core), ORIGIN)
    for chosen in config.plugins.values():
        for selected in chosen:
            diagnose = selected.factory.diagnose
            if diagnose is not None:
                context = _context(config.core, selected)
                yield Examination(
                    context.key,
                    partial(diagnose, selected.settings, context),
                    selected.distribution,
                    Secrets(selected.settings),
                )


def _context(core: CoreSettings, selected: Selected) -> DiagnosisContext:
    return DiagnosisContext(
        name=selected.name,
        key=f"{section_of(selected.kind)}.{selected.name}",
        node_id=core.server.node_id or "doctor",
        limits=publication_limits(core),
        server=server_info(core, state_directory()),
    )
