"""``POST /internal/publish``: one publication, or a batch of them."""

from __future__ import annotations

from collections.abc import Sequence

import anyio.lowlevel
from starlette.requests import Request
from starlette.responses import Response

from gatewright import BusUnavailable, InvalidPublication, PublicationLimits, Receipt
from gatewright_transport_http.answers import answer, bus_unavailable, not_valid, unavailable
from gatewright_transport_http.intake import Intake, IntakeClosed
from gatewright_transport_http.reception import Reception, Refused
from gatewright_transport_http.submission import Head, Submission, read_head, read_submission

__all__ = ["PublishEndpoint"]


class PublishEndpoint:
    """Judges the key, then the shape, then publishes and says how many were reached."""

    def __init__(
        self,
        *,
        reception: Reception,
        intake: Intake,
        source: str,
        limits: PublicationLimits,
        count: bool,
    ) -> None:
        self._reception = reception
        self._intake = intake
        self._source = source
        self._limits = limits
        self._count = count

    async def post(self, request: Request) -> Response:
        """Answer one request. Only a failure inside the gateway itself raises."""
        try:
            submission = await self._reception.receive(request, read_head, self._read)
        except Refused as error:
            return error.response
        return await self._publish(submission)

    def _read(self, data: bytes, head: Head) -> Submission:
        return read_submission(data, head, source=self._source, limits=self._limits)

    async def _publish(self, submission: Submission) -> Response:
        receipts: list[Receipt] = []
        try:
            with self._intake.lend() as publish:
                for publication in submission.publications:
                    if receipts:  # a batch lets others in between its messages
                        await anyio.lowlevel.checkpoint()
                    receipts.append(await publish(publication, count=self._count))
        except IntakeClosed as error:
            return unavailable(str(error))
        except BusUnavailable as error:
            return bus_unavailable(error, **_so_far(submission, receipts))
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
