"""What the commands need of HTTP: one request to a running gateway, failures in one line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, ClassVar, Final, TypeVar

import httpx
import msgspec

from gatewright import OperatorError, state_directory

__all__ = ["Gateway", "RequestError"]

TIMEOUT_SECONDS: Final = 30.0
_TEXT_SHOWN: Final = 200

T = TypeVar("T")


class RequestError(OperatorError):
    """The gateway was not reached, or it refused."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway, as a command was told of it.

    Attributes:
        url: Where it serves ``/internal``.
        key_variable: The environment variable that holds an API key.
    """

    url: str
    key_variable: str

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send one request and return its answer, which is a success.

        Raises:
            RequestError: No answer, or one that is not a success; the text says which.
        """
        key = self._api_key()
        headers = {} if key is None else {b"X-Api-Key": os.fsencode(key)}
        try:
            with httpx.Client(
                base_url=self.url, trust_env=False, timeout=TIMEOUT_SECONDS
            ) as client:
                answer = client.request(
                    method, path, params=params, content=content, headers=headers
                )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RequestError(self._unreached(error)) from None
        if not answer.is_success:
            raise RequestError(self._refusal(answer, has_key=key is not None))
        return answer

    def decoded(self, answer: httpx.Response, shape: type[T]) -> T:
        """Read an answer's JSON.

        Raises:
            RequestError: It is not what a gateway answers.
        """
        try:
            return msgspec.json.decode(answer.content, type=shape)
        except msgspec.DecodeError:
            msg = f"{self.url} does not answer like a gateway"
            raise RequestError(msg) from None

    def _api_key(self) -> str | None:
        """Find a key: the variable's, else, on this machine, that of ``gatewright dev``."""
        if key := os.environ.get(self.key_variable):
            return key
        return self._development_key() if _is_local(self.url) else None

    def _development_key(self) -> str | None:
        file = state_directory() / "dev-api-key"
        try:
            return file.read_text().strip() or None
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            msg = f"{file}: cannot be read: {error}; set {self.key_variable} instead"
            raise RequestError(msg) from None

    def _unreached(self, error: Exception) -> str:
        if isinstance(error, httpx.ConnectError):
            return f"no gateway answers at {self.url}: {error}; start one, or name it with --url"
        if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
            return f"{self.url!r} is no address; it should look like http://127.0.0.1:8180"
        return f"{self.url} did not answer: {str(error) or type(error).__name__}"

    def _refusal(self, answer: httpx.Response, *, has_key: bool) -> str:
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            found = "refuses the api key" if has_key else "needs an api key"
            return f"{self.url} {found}; set {self.key_variable} to one that it lists"
        if answer.status_code == httpx.codes.NOT_FOUND:
            return f"{self.url} has no such endpoint; is /internal on another address?"
        return f"{self.url} answered {answer.status_code}: {_reason(answer)}"


def _reason(response: httpx.Response) -> str:
    try:
        body: Any = msgspec.json.decode(response.content)
        reason = str(body["error"])
    except (msgspec.DecodeError, TypeError, KeyError):
        reason = response.text or response.reason_phrase
    return " ".join(reason.split())[:_TEXT_SHOWN]


def _is_local(url: str) -> bool:
    try:
        host = httpx.URL(url).host
    except httpx.InvalidURL:
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
