"""Tells backends through RabbitMQ what gatewright's clients do."""
