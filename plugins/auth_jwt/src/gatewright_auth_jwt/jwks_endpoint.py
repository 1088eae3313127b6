"""One GET for a key set, bounded in time and size, trusting nothing on the way."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final

import anyio
import anyio.to_thread
import httpx

from gatewright import GatewrightError
from gatewright_auth_jwt.jwk_set import key_set_from_jwks
from gatewright_auth_jwt.keys import KeySet, UnusableKey

__all__ = ["FetchFailed", "JwksEndpoint"]

TIMEOUT_SECONDS: Final = 3.0
MAX_BYTES: Final = 256 * 1024
HEADERS: Final = {
    "accept": "application/jwk-set+json, application/json",
    "accept-encoding": "identity",
}


class FetchFailed(GatewrightError):
    """The key set could not be had; says why in a few words, without the address or the answer."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)

    def __str__(self) -> str:
        return self.why


class JwksEndpoint:
    """Fetches a JSON Web Key Set.

    No proxies of the environment, no redirects, no content encodings. ``SSL_CERT_FILE`` and
    ``SSL_CERT_DIR`` are honoured, for a certificate authority of one's own.

    Attributes:
        host: The address without user, query and path, for people.
    """

    def __init__(self, url: str, algorithms: Collection[str]) -> None:
        self._url = httpx.URL(url)
        self._algorithms = algorithms
        self._tls = httpx.create_ssl_context()
        self.host = self._url.netloc.decode("ascii")

    async def fetch(self) -> KeySet:
        """Fetch the key set, within 3 s and 256 KiB. Cancelling closes the connection.

        Raises:
            FetchFailed: No answer, a wrong one, or one without a usable key.
        """
        try:
            with anyio.fail_after(TIMEOUT_SECONDS):
                body = await self._get()
                return await anyio.to_thread.run_sync(_parse, body, self._algorithms)
        except (TimeoutError, httpx.TimeoutException):
            why = f"no whole answer within {TIMEOUT_SECONDS:g} s"
        except httpx.ConnectError as error:
            why = f"cannot connect: {error}"
        except httpx.HTTPError as error:
            why = f"broken answer: {type(error).__name__}"
        except UnusableKey as error:
            why = f"the answer {error}"
        raise FetchFailed(why)

    async def _get(self) -> bytes:
        # A client of its own for each fetch: one that was cancelled leaves nothing in a pool.
        client = httpx.AsyncClient(
            verify=self._tls, trust_env=False, timeout=TIMEOUT_SECONDS, headers=HEADERS
        )
        async with client, client.stream("GET", self._url, follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK:
                why = f"status {response.status_code}"
                raise FetchFailed(why)
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                why = "the answer is compressed, though that was declined"
                raise FetchFailed(why)
            return await _capped(response)


async def _capped(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            why = f"the answer is larger than {MAX_BYTES // 1024} KiB"
            raise FetchFailed(why)
    return bytes(body)


def _parse(body: bytes, algorithms: Collection[str]) -> KeySet:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        why = "is not JSON"
        raise UnusableKey(why) from None
    return key_set_from_jwks(document, algorithms)
