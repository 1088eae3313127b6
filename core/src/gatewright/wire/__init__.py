"""What crosses the gateway's borders, as pure functions between bytes and the values of ``model``."""
