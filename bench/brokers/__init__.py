"""What the brokers' plugins cost: publications in, events out, latency, on one node and two."""
