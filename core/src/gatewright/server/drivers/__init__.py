"""How sockets are carried: through plain ASGI, or on their transports."""
