"""Lets backends publish to gatewright's clients through RabbitMQ."""
