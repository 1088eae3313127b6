"""What every keyed POST begins with: the body, the key, then the shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gatewright import InvalidPublication
from gatewright_transport_http.answers import not_valid, refused, unauthorised
from gatewright_transport_http.body import READ_SECONDS, read_body
from gatewright_transport_http.head import KeyedHead
from gatewright_transport_http.keys import KEY_HEADER, ApiKeys

__all__ = ["Reception", "Refused"]

H = TypeVar("H", bound=KeyedHead)
T = TypeVar("T")


class Refused(Exception):
    """The request goes no further.

    Attributes:
        response: What to answer.
    """

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(response.status_code)


class _Unauthorised(Exception):
    """Neither the header nor the body holds a key that opens."""


class Reception:
    """Reads requests that need a key.

    Args:
        keys: Those that open; where there are none, nobody needs one.
        max_bytes: The largest body.
    """

    def __init__(self, keys: ApiKeys, max_bytes: int) -> None:
        self._keys = keys
        self._max_bytes = max_bytes

    async def receive(
        self, request: Request, head: Callable[[bytes], H], read: Callable[[bytes, H], T]
    ) -> T:
        """Read what a request asks for, its key judged first. Safe to call from many tasks.

        Args:
            request: Whose body to read.
            head: Reads the fields of a body; raises `InvalidPublication`.
            read: Reads the rest, once the key was found good; raises `InvalidPublication`.

        Raises:
            Refused: With the answer that says why.
        """
        try:
            data = await read_body(request, self._max_bytes)
            return read(data, self._admitted(data, request, head))
        except _Unauthorised:
            raise Refused(unauthorised()) from None
        except InvalidPublication as error:
            raise Refused(not_valid(error)) from None
        except TimeoutError:
            late = f"the body did not arrive within {READ_SECONDS:g} seconds"
            raise Refused(refused(408, late)) from None
        except ClientDisconnect:
            raise Refused(refused(400, "the request ended before its body")) from None

    def _admitted(self, data: bytes, request: Request, head: Callable[[bytes], H]) -> H:
        """Judge the key before the shape, wherever a key can be read."""
        allowed = not self._keys or self._keys.accept_header(request.headers)
        try:
            fields = head(data)
        except InvalidPublication:
            if not allowed and KEY_HEADER in request.headers:
                raise _Unauthorised from None
            raise
        if not allowed and not self._keys.accept(fields.key):
            raise _Unauthorised
        return fields
