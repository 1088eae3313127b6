"""Who a request really comes from, when some peers are trusted proxies."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

__all__ = ["ClientAddress"]

Address = IPv4Address | IPv6Address


class ClientAddress:
    """Finds the client's address: the rightmost one that is no trusted proxy's.

    ``X-Forwarded-For`` counts only where the peer itself is trusted; each proxy appends the address
    it saw, so what stands left of the first untrusted one could be anybody's invention.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ip_network(network, strict=False) for network in trusted
        )

    def of(self, peer: str, forwarded_for: str) -> str:
        """Return the client's address as text; ``""`` where there is none, as on a Unix socket.

        Args:
            peer: The address the connection comes from.
            forwarded_for: The ``X-Forwarded-For`` header, several joined by commas, or ``""``.
        """
        address = _parsed(peer)
        if address is None or not self._is_trusted(address):
            return peer
        for hop in reversed(forwarded_for.split(",")):
            forwarded = _parsed(hop.strip())
            if forwarded is None:
                break
            address = forwarded
            if not self._is_trusted(address):
                break
        return str(address)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _parsed(text: str) -> Address | None:
    """Parse an address, with or without a port, an IPv4 one in IPv6 clothes as what it is."""
    host = text
    if text.startswith("["):
        host = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        host = text.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
