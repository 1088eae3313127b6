"""What gatewright's Redis plugins share: connections, streams, errors."""
