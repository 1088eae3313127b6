"""What is allowed in a configuration and still worth a warning."""

from __future__ import annotations

from gatewright.config.result import Config

__all__ = ["advice"]


def advice(config: Config) -> list[str]:
    """Return one line for each setting that probably does not do what was meant, or is not used."""
    core = config.core
    lines = list(config.left_out)
    if core.limits.connections_per_address is not None and not core.server.trusted_proxies:
        lines.append(
            "limits.connections_per_address is set without server.trusted_proxies: "
            "behind a proxy, all clients share the proxy's address and its limit"
        )
    return lines
