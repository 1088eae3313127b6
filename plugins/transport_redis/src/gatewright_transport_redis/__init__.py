"""Lets backends publish to gatewright's clients through a Redis stream."""
