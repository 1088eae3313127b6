"""Tells a backend by webhook what gatewright's clients do."""

GATEWRIGHT_API = (1, 0)
