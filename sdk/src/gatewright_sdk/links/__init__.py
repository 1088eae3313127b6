"""Connections to what a gateway and its backends share, with one kind of error for each failure."""
