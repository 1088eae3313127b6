"""All that gatewright knows about hypercorn's insides, for versions 0.18."""
