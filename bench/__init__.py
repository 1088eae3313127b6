"""Measures the gateway beside two servers that everybody knows; see docs/benchmarks.md."""
