"""From sessions to event sinks: lanes, retries, the breaker, and dead letters."""
