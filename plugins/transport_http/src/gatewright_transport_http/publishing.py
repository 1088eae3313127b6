"""``POST /internal/publish``: one publication, or a batch of them."""

from __future__ import annotations

from collections.abc import Sequence

import anyio.lowlevel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gatewright import BusUnavailable, InvalidPublication, PublicationLimits, Receipt
from gatewright_transport_http.answers import (
    answer,
    not_valid,
    refused,
    unauthorised,
    unavailable,
)
from gatewright_transport_http.body import READ_SECONDS, read_body
from gatewright_transport_http.intake import Intake, IntakeClosed
from gatewright_transport_http.keys import KEY_HEADER, ApiKeys
from gatewright_transport_http.submission import Submission, read_head, read_submission

__all__ = ["PublishEndpoint"]


class _Unauthorised(Exception):
    """Neither the header nor the body holds a key that opens."""


class PublishEndpoint:
    """Judges the key, then the shape, then publishes and says how many were reached."""

    def __init__(
        self, *, keys: ApiKeys, intake: Intake, source: str, limits: PublicationLimits
    ) -> None:
        self._keys = keys
        self._intake = intake
        self._source = source
        self._limits = limits

    async def post(self, request: Request) -> Response:
        """Answer one request. Only a failure inside the gateway itself raises."""
        try:
            data = await read_body(request, self._limits.max_bytes)
            submission = self._read(data, request)
        except _Unauthorised:
            return unauthorised()
        except InvalidPublication as error:
            return not_valid(error)
        except TimeoutError:
            return refused(408, f"the body did not arrive within {READ_SECONDS:g} seconds")
        except ClientDisconnect:
            return refused(400, "the request ended before its body")
        return await self._publish(submission)

    def _read(self, data: bytes, request: Request) -> Submission:
        """Judge the key before the shape, wherever a key can be read."""
        allowed = not self._keys or self._keys.accept_header(request.headers)
        try:
            head = read_head(data)
        except InvalidPublication:
            if not allowed and KEY_HEADER in request.headers:
                raise _Unauthorised from None
            raise
        if not allowed and not self._keys.accept(head.key):
            raise _Unauthorised
        return read_submission(data, head, source=self._source, limits=self._limits)

    async def _publish(self, submission: Submission) -> Response:
        receipts: list[Receipt] = []
        try:
            with self._intake.lend() as publish:
                for publication in submission.publications:
                    if receipts:  # a batch lets others in between its messages
                        await anyio.lowlevel.checkpoint()
                    receipts.append(await publish(publication))
        except IntakeClosed as error:
            return unavailable(str(error))
        except BusUnavailable as error:
            why = f"the bus is not available: {error.reason}"
            return unavailable(why, **_so_far(submission, receipts))
        except InvalidPublication as error:
            return not_valid(error, **_so_far(submission, receipts))
        return _published(submission, receipts)


def _published(submission: Submission, receipts: Sequence[Receipt]) -> Response:
    exact = all(receipt.exact and receipt.sent is not None for receipt in receipts)
    headers = {"X-Gatewright-Sent": "exact" if exact else "partial"}
    if submission.is_batch:
        return answer({"results": _results(receipts)}, headers=headers)
    (receipt,) = receipts
    if receipt.duplicate:
        headers["X-Gatewright-Duplicate"] = "true"
    return answer({"sent": receipt.sent or 0}, headers=headers)


def _so_far(submission: Submission, receipts: Sequence[Receipt]) -> dict[str, object]:
    """Say what was published before a batch failed; a single publication has nothing to add."""
    return {"results": _results(receipts)} if submission.is_batch else {}


def _results(receipts: Sequence[Receipt]) -> list[dict[str, object]]:
    return [_result(receipt) for receipt in receipts]


def _result(receipt: Receipt) -> dict[str, object]:
    sent = receipt.sent or 0
    return {"sent": sent, "duplicate": True} if receipt.duplicate else {"sent": sent}
