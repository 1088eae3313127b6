"""Keeps who is connected to any of gatewright's nodes in Redis."""
