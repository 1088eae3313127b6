"""The backend's side of a gatewright gateway."""
