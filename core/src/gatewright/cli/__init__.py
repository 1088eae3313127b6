"""The command line: one file for each command, and ``main``, which runs them."""

from __future__ import annotations

from gatewright.cli.application import main

__all__ = ["main"]
