"""How parts of the hook API take their leave: a warning first, gone with the next major.

A hook is marked where it is specified, for pluggy to warn whoever implements it::

    @hookspec(warn_on_impl=deprecated("gatewright_old", since=(1, 2), instead="gatewright_new"))

an argument of a hook with ``warn_on_impl_args``, and a method of a backend in `DEPRECATED_METHODS`.
All of them warn at the line of the plugin, when the plugin is loaded or opened: so its own tests
show the warning, and operators, who cannot change the plugin, do not see it.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Final

from gatewright.plugin.spec import Kind

__all__ = ["DEPRECATED_METHODS", "HookDeprecationWarning", "deprecated", "warn_of_methods"]


class HookDeprecationWarning(DeprecationWarning):
    """A plugin uses a part of the hook API that the next major does not have."""


def deprecated(what: str, *, since: tuple[int, int], instead: str = "") -> HookDeprecationWarning:
    """Make the warning for a part of the hook API.

    Args:
        what: The part: a hook, ``argument 'x' of gatewright_y``, or ``Bus.old``.
        since: The first hook API in which it is deprecated.
        instead: What to use, where there is something.
    """
    hint = f"; use {instead}" if instead else ""
    return HookDeprecationWarning(
        f"{what} is deprecated since hook API {since[0]}.{since[1]} "
        f"and gone with {since[0] + 1}.0{hint}"
    )


DEPRECATED_METHODS: Final[Mapping[Kind, Mapping[str, HookDeprecationWarning]]] = {}
"""Methods that backends of a kind should not offer any more, each with its warning."""


def warn_of_methods(kind: Kind, backend: object) -> None:
    """Warn of deprecated methods that a backend offers, at the line of each."""
    for name, warning in DEPRECATED_METHODS.get(kind, {}).items():
        method = getattr(type(backend), name, None)
        if method is not None and inspect.isfunction(function := inspect.unwrap(method)):
            code = function.__code__
            warnings.warn_explicit(warning, type(warning), code.co_filename, code.co_firstlineno)
