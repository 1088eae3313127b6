"""Authenticates gatewright's clients by JSON Web Token."""

GATEWRIGHT_API = (1, 0)
