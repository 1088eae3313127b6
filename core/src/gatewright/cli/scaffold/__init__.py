"""``gatewright plugins new``: a distribution to begin with, from templates."""
