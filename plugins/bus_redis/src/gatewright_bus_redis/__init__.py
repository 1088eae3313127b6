"""Carries publications between gatewright's nodes over a Redis stream."""
