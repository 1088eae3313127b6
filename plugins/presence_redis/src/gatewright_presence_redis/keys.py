"""The names of all keys.

Ids and subjects stand in them as they are. What keeps them apart is that each kind has a fixed
beginning and ends with the one free part, so that no id can reach into another kind.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Keys", "NodeKeys", "inherited"]


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """What one node keeps for itself, all in one slot of a cluster.

    Attributes:
        base: What they begin with.
    """

    base: str

    @property
    def lease(self) -> str:
        """Holds the token of the node's present life, for as long as it beats."""
        return self.base + ":lease"

    @property
    def owner(self) -> str:
        """The same token, without an end: whose records they are."""
        return self.base + ":owner"

    @property
    def conns(self) -> str:
        """The records of the node's connections: a hash from connection id to JSON."""
        return self.base + ":conns"

    @property
    def claims(self) -> str:
        """The keys of the claims that the node works on: a set."""
        return self.base + ":claims"

    @property
    def claimed(self) -> str:
        """The tokens of lives that others have claimed: a set."""
        return self.base + ":claimed"

    def claim(self, unique: str) -> str:
        """Where the records go when they are claimed."""
        return f"{self.base}:claim:{unique}"


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of one prefix."""

    prefix: str

    def connection(self, connection_id: str) -> str:
        """The hash of a connection."""
        return f"{self.prefix}conn:{connection_id}"

    def user(self, user_id: str) -> str:
        """The connections of a user: a set."""
        return f"{self.prefix}user:{user_id}"

    def subject(self, subject: str) -> str:
        """The connections that hear a subject: a set."""
        return f"{self.prefix}subject:{subject}"

    @property
    def nodes(self) -> str:
        """The ids of all nodes: a set."""
        return f"gatewright:{self.prefix}nodes"

    def of(self, node_id: str) -> NodeKeys:
        """What a node keeps for itself."""
        return NodeKeys(f"gatewright:{self.prefix}{{{node_id}}}")


def inherited(claim: str) -> str:
    """The claims that the node of a claim was working on itself: a set."""
    return claim + ":claims"
