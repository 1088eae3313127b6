"""The load generator: C where there is a compiler, the same in Python elsewhere."""
