"""What a plugin declares: one frozen `Factory` for each kind it serves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from gatewright.plugin.context import IssueToken, Needs, PluginContext
from gatewright.plugin.diagnosis import DiagnosisContext, Finding
from gatewright.plugin.settings import Settings

__all__ = ["Development", "Factory"]

S = TypeVar("S", bound=Settings)
B_co = TypeVar("B_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Development:
    """How an authentication plugin sets itself up for ``gatewright dev``.

    Attributes:
        options: The plugin's options, as they would stand in the YAML.
        issue: Makes a token for a user id that these options accept.
    """

    options: Mapping[str, Any]
    issue: IssueToken


@dataclass(frozen=True, slots=True)
class Factory(Generic[S, B_co]):
    """How the core makes a backend. Declaring one does no I/O.

    Attributes:
        settings: The pydantic model of its options, a `Settings`.
        open: Called once with the validated settings and the context; an async context manager
            that yields the backend. It does only what can fail for good: read key files, build
            clients, check settings. Connecting and retrying belong to the backend's ``run``.
        summary: One line for listings.
        provides: Capabilities beyond the protocol, proved by the conformance suite.
        needs: What `PluginContext` must offer: ``publish``, ``presence``, ``dead_letters``…
        develop: Authentication only: set up local credentials below a state directory.
        diagnose: For ``gatewright doctor``: look at the backend that the settings name, change
            nothing there, and yield what is found; see `DiagnosisContext`.
    """

    settings: type[S]
    open: Callable[[S, PluginContext], AbstractAsyncContextManager[B_co]]
    summary: str
    provides: frozenset[str] = frozenset()
    needs: frozenset[Needs] = frozenset()
    develop: Callable[[Path], Development] | None = None
    diagnose: Callable[[S, DiagnosisContext], AsyncIterator[Finding]] | None = None
