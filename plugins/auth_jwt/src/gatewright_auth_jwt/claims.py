"""What the claims of a valid token say about the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gatewright import AuthenticationError, is_subject, is_user_id, user_subject

__all__ = ["expiry_of", "start_of", "subjects_of", "user_id_of"]

USER_PREFIX: Final = user_subject("")
END_OF_TIME: Final = 253_402_300_799  # the last second of the year 9999: beyond it, never


def user_id_of(claims: Mapping[str, Any], name: str) -> str:
    """Return the user id: a text or an integer, as text, unchanged.

    Raises:
        AuthenticationError: ``user_id``: it is absent, of another type, or no valid user id.
    """
    value = claims.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not is_user_id(value):
        reason = "user_id"
        raise AuthenticationError(reason)
    return value


def subjects_of(claims: Mapping[str, Any], name: str | None, user_id: str) -> tuple[str, ...]:
    """Return the further subjects a token grants, each once, in the token's order.

    The user's own ``user:`` subject may be among them and is left out: it is always there.

    Raises:
        AuthenticationError: ``subjects``: not a text or a list of texts, one that is no subject,
            or the ``user:`` subject of somebody else.
    """
    value = None if name is None else claims.get(name)
    if value is None:
        return ()
    listed = [value] if isinstance(value, str) else value
    own = user_subject(user_id)
    if not isinstance(listed, list) or not all(_may_be_granted(item, own) for item in listed):
        reason = "subjects"
        raise AuthenticationError(reason)
    return tuple(dict.fromkeys(item for item in listed if item != own))


def expiry_of(claims: Mapping[str, Any]) -> float | None:
    """Return when a token ends (POSIX seconds), its ``exp`` already found to be a number."""
    exp = claims.get("exp")
    return None if exp is None else float(min(int(exp), END_OF_TIME))


def start_of(claims: Mapping[str, Any]) -> float:
    """Return when a token begins to be good (POSIX seconds), ``leeway`` aside.

    That is the later of ``nbf`` and ``iat``, both already found to be numbers that are not too
    far ahead; 0 without them.
    """
    starts = (int(claims[name]) for name in ("nbf", "iat") if name in claims)
    return float(min(max((0, *starts)), END_OF_TIME))


def _may_be_granted(item: object, own: str) -> bool:
    if not isinstance(item, str) or not is_subject(item):
        return False
    return item == own or not item.startswith(USER_PREFIX)
