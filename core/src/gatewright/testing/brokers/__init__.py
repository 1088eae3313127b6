"""Real servers on free loopback ports, that tests start, freeze and kill."""
