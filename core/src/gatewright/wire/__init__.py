"""What crosses the gateway's borders, as pure functions between bytes and values."""
