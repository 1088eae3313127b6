"""YAML and environment to validated settings, with every problem reported at its place."""
