"""Publishing over HTTP."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

from gatewright_sdk.config import HttpSettings
from gatewright_sdk.errors import Unavailable, needing
from gatewright_sdk.publishing.publication import Publication, Published

if TYPE_CHECKING:
    import httpx

    from gatewright_sdk.links.http import HttpLink

__all__ = ["HttpTransport", "dumps"]

_MOST: Final = 1000
_MOST_SUBJECTS: Final = 10_000
_MOST_BYTES: Final = 512 * 1024
_BASE_SECONDS: Final = 0.2
_LONGEST_SECONDS: Final = 10.0
_T = TypeVar("_T")


class HttpTransport:
    """Posts to ``/internal/publish``. Needs ``gatewright-sdk[http]``.

    With ``attempts``, what failed for a while is tried again after a pause that doubles, is
    spread at random, and is no shorter than the gateway asks for; where it asks for more than ten
    seconds, the error is raised at once. Each publication then has an id, one of its own where it
    has none, because without one a second attempt is a second message.

    Args:
        settings: Where, with which key, and how patiently.

    Raises:
        MissingExtra: The library is not installed.
        ConfigurationError: The address is none, or no header can carry the key.
    """

    def __init__(self, settings: HttpSettings) -> None:
        self.link = _link(settings)
        self._path = settings.publish_path
        self._attempts = settings.attempts

    async def send(self, publication: Publication) -> Published:
        """Publish; ``sent`` is known. See `Transport.send`."""
        body = self._with_id(publication).encoded()
        response = await self._patiently(lambda: self.link.post(self._path, body))
        return _published(self.link.json(response), response)

    async def send_many(self, publications: Sequence[Publication]) -> Sequence[Published]:
        """Publish in batches that gateways take; see `Transport.send_many`.

        A gateway that knows no batches gets them one by one.
        """
        encoded = [(each, self._with_id(each).encoded()) for each in publications]
        published: list[Published] = []
        for batch in _batches(encoded):
            try:
                published += await self._patiently(partial(self._batch, batch))
            except Unavailable as error:
                error.published += len(published)
                raise
        return published

    async def close(self) -> None:
        """Close the connections."""
        await self.link.close()

    async def _batch(self, bodies: Sequence[bytes]) -> list[Published]:
        response = await self.link.post(self._path, b'{"messages":[' + b",".join(bodies) + b"]}")
        results = self.link.json(response).get("results")
        if isinstance(results, list) and len(results) == len(bodies):
            return [_published(each, response) for each in results]
        return await self._one_by_one(bodies)

    async def _one_by_one(self, bodies: Sequence[bytes]) -> list[Published]:
        published: list[Published] = []
        for body in bodies:
            try:
                response = await self.link.post(self._path, body)
            except Unavailable as error:
                error.published = len(published)
                raise
            published.append(_published(self.link.json(response), response))
        return published

    def _with_id(self, publication: Publication) -> Publication:
        if self._attempts == 1 or publication.id is not None:
            return publication
        return replace(publication, id=str(uuid4()))

    async def _patiently(self, call: Callable[[], Awaitable[_T]]) -> _T:
        for attempt in range(1, self._attempts):
            try:
                return await call()
            except Unavailable as error:
                if (error.retry_after or 0) > _LONGEST_SECONDS:
                    raise
                pause = min(_BASE_SECONDS * 2**attempt, _LONGEST_SECONDS)
                await asyncio.sleep(random.uniform(0, pause) + (error.retry_after or 0))  # noqa: S311 - no secret
        return await call()


def _link(settings: HttpSettings) -> HttpLink:
    with needing("HttpTransport", "http"):
        from gatewright_sdk.links.http import HttpLink  # noqa: PLC0415 - optional
    return HttpLink(settings.base_url, settings.api_key, settings.timeout_seconds)


def _published(result: dict[str, Any], response: httpx.Response) -> Published:
    sent = result.get("sent")
    told = response.headers.get("X-Gatewright-Sent")
    repeated = response.headers.get("X-Gatewright-Duplicate") == "true"
    return Published(
        sent=sent if isinstance(sent, int) else None,
        exact=None if told is None else told == "exact",
        duplicate=repeated or result.get("duplicate") is True,
    )


def _batches(encoded: Sequence[tuple[Publication, bytes]]) -> Iterator[list[bytes]]:
    """Split into batches within the limits that gateways have unless they are configured lower."""
    batch: list[bytes] = []
    size = subjects = 0
    for publication, body in encoded:
        many = len(publication.subjects)
        full = size + len(body) > _MOST_BYTES or subjects + many > _MOST_SUBJECTS
        if batch and (full or len(batch) == _MOST):
            yield batch
            batch, size, subjects = [], 0, 0
        batch.append(body)
        size += len(body) + 1
        subjects += many
    if batch:
        yield batch


def dumps(document: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return a document as JSON in UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
