"""Serving: the ASGI entry, the socket drivers, the HTTP routes, the hypercorn runner, the drain."""
