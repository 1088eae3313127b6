"""What gatewright's RabbitMQ plugins share: connections, declarations, confirmed publishing."""
