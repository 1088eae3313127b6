"""Measures the gateway beside other servers; see docs/benchmarks.md."""
