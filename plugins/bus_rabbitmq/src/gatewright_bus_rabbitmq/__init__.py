"""Carries publications between gatewright's nodes over RabbitMQ."""
