"""Lets backends publish to gatewright's clients over HTTP."""

GATEWRIGHT_API = (1, 0)
