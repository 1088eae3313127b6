"""Tells backends through Redis streams what gatewright's clients do."""
