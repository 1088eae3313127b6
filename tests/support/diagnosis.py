"""Runs a diagnosis as the doctor would, and returns what it found."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from gatewright import DiagnosisContext, Factory, Finding

CONTEXT = DiagnosisContext("acme", "transports.acme", node_id="gw-1")


async def found(findings: AsyncIterator[Finding]) -> dict[str, Finding]:
    """Return all findings by what was looked at; of several, the worst."""
    worst: dict[str, Finding] = {}
    ranks = ("ok", "warning", "error")
    async for finding in findings:
        before = worst.get(finding.check)
        if before is None or ranks.index(finding.status) > ranks.index(before.status):
            worst[finding.check] = finding
    return worst


async def diagnosed(
    hook: Callable[[], Factory[Any, Any]],
    context: DiagnosisContext = CONTEXT,
    **options: object,
) -> dict[str, Finding]:
    """Diagnose the plugin that a hook declares, with ``options`` as the file would have them."""
    factory = hook()
    assert factory.diagnose is not None
    return await found(factory.diagnose(factory.settings.model_validate(options), context))


def statuses(findings: dict[str, Finding]) -> dict[str, str]:
    """Return the statuses alone."""
    return {check: finding.status for check, finding in findings.items()}
