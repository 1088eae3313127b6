"""The part of a body that is read before its sender is known: strict JSON, and the key in it."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from gatewright import InvalidPublication

__all__ = ["ABSENT", "KeyedHead", "decode_head", "require_utf8"]

ABSENT: Final = msgspec.Raw(b"")
"""A field that a body does not have."""


class KeyedHead(msgspec.Struct):
    """The fields of a body, undecoded; empty where one is absent."""

    api_key: msgspec.Raw = ABSENT

    @property
    def key(self) -> bytes:
        """The key in the body; empty where there is none or it is no text."""
        try:
            return _TEXT.decode(self.api_key).encode()
        except (msgspec.DecodeError, UnicodeDecodeError):
            return b""


T = TypeVar("T", bound=KeyedHead)

_TEXT: Final = msgspec.json.Decoder(str)


def decode_head(decoder: msgspec.json.Decoder[T], data: bytes, shape: str) -> T:
    """Read as much of a body as it takes to judge its key.

    Args:
        decoder: Knows the fields.
        data: The body.
        shape: What the body should be, for its sender.

    Raises:
        InvalidPublication: It is not a JSON object.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        msg = f"must be {shape}"
        raise InvalidPublication(msg) from None
    except msgspec.DecodeError as error:
        msg = f"not strict JSON: {error}"
        raise InvalidPublication(msg) from None
    except RecursionError:
        msg = "nests too deep"
        raise InvalidPublication(msg) from None


def require_utf8(data: bytes) -> None:
    """Refuse a body that is not UTF-8, which `msgspec.Raw` lets pass.

    Raises:
        InvalidPublication: It is not; the text says where.
    """
    try:
        data.decode()
    except UnicodeDecodeError as error:
        msg = f"not UTF-8 at byte {error.start}"
        raise InvalidPublication(msg) from None
