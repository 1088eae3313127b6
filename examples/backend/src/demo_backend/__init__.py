"""A backend behind a gatewright gateway: an example that can be tried, read and taken apart."""
