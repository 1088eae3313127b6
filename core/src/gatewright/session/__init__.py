"""One client's conversation, as a state machine without I/O."""
