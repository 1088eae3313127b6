"""``POST /internal/subjects`` and ``POST /internal/disconnect``: commands to all nodes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gatewright import BusUnavailable, Command, PublicationLimits, Receipt
from gatewright_transport_http.answers import answer, bus_unavailable, unavailable
from gatewright_transport_http.intake import Intake, IntakeClosed
from gatewright_transport_http.order import (
    SubjectsHead,
    read_disconnect,
    read_disconnect_head,
    read_subjects,
    read_subjects_head,
)
from gatewright_transport_http.reception import Reception, Refused

__all__ = ["CommandEndpoint"]


class CommandEndpoint:
    """Has all nodes do something to a user's connections, and says how many were reached."""

    def __init__(self, *, reception: Reception, intake: Intake, limits: PublicationLimits) -> None:
        self._reception = reception
        self._intake = intake
        self._limits = limits

    async def subjects(self, request: Request) -> Response:
        """Change what connections hear. Only a failure inside the gateway itself raises."""
        try:
            command = await self._reception.receive(
                request, read_subjects_head, self._read_subjects
            )
        except Refused as error:
            return error.response
        return await self._send(command)

    async def disconnect(self, request: Request) -> Response:
        """Close connections. Only a failure inside the gateway itself raises."""
        try:
            command = await self._reception.receive(request, read_disconnect_head, read_disconnect)
        except Refused as error:
            return error.response
        return await self._send(command)

    def _read_subjects(self, data: bytes, head: SubjectsHead) -> Command:
        return read_subjects(data, head, self._limits)

    async def _send(self, command: Command) -> Response:
        try:
            with self._intake.lend_command() as send:
                return _reached(await send(command))
        except IntakeClosed as error:
            return unavailable(str(error))
        except BusUnavailable as error:
            return bus_unavailable(error)


def _reached(receipt: Receipt) -> Response:
    exact = receipt.exact and receipt.sent is not None
    headers = {"X-Gatewright-Reached": "exact" if exact else "partial"}
    return answer({"reached": receipt.sent or 0}, headers=headers)
