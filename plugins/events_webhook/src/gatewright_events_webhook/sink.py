"""The event sink: one request per event, judged by its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import anyio

from gatewright import Clock, Done, Event, Health, Outcome, Retry
from gatewright_events_webhook.answers import RECEIVER_OFF, judge
from gatewright_events_webhook.client import Client
from gatewright_events_webhook.failures import NoAnswer
from gatewright_events_webhook.signing import Signer

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["WebhookSink"]

_WARN_SECONDS: Final = 60.0
_NO_URL: Final = Done(note="no_url")


class WebhookSink:
    """Posts events to one receiver; without one, every event is done at once.

    Args:
        client: Makes the requests; ``None`` where no url is configured.
        signer: Signs them.
        headers: What every request carries.
        shown: How the receiver is named in logs and health.
        log: Where a switched-off receiver is told of, once a minute.
        clock: The time.
    """

    __slots__ = (
        "_client",
        "_clock",
        "_headers",
        "_last_error",
        "_log",
        "_shown",
        "_signer",
        "_unheard",
        "_warn_at",
    )

    def __init__(
        self,
        client: Client | None,
        *,
        signer: Signer,
        headers: Mapping[str, str],
        shown: str,
        log: FilteringBoundLogger,
        clock: Clock,
    ) -> None:
        self._client = client
        self._signer = signer
        self._headers = dict(headers)
        self._shown = shown
        self._log = log
        self._clock = clock
        self._last_error = ""
        self._warn_at = float("-inf")
        self._unheard = 0

    async def send(self, batch: Sequence[Event]) -> Sequence[Outcome]:
        """Post each event once, side by side, and say what became of it.

        Takes at most ``timeout_seconds``. Being cancelled gives up the requests under way, and
        their connections. Safe from many tasks.
        """
        if self._client is None:
            return [_NO_URL] * len(batch)
        if len(batch) == 1:
            return [await self._attempt(self._client, batch[0])]
        return await self._attempt_all(self._client, batch)

    def health(self) -> Health:
        """Return how the last attempt went. A dead receiver does not make the gateway unready."""
        if self._client is None:
            return Health(ready=True, detail="no url: events are not sent")
        detail = f"{self._shown}: {self._last_error}" if self._last_error else ""
        return Health(ready=True, detail=detail, facts={"receiver": self._shown})

    async def _attempt_all(self, client: Client, batch: Sequence[Event]) -> Sequence[Outcome]:
        outcomes: dict[int, Outcome] = {}

        async def attempt(index: int, event: Event) -> None:
            outcomes[index] = await self._attempt(client, event)

        async with anyio.create_task_group() as group:
            for index, event in enumerate(batch):
                group.start_soon(attempt, index, event)
        return [outcomes[index] for index in range(len(batch))]

    async def _attempt(self, client: Client, event: Event) -> Outcome:
        try:
            answer = await client.post(self._request_headers(event), event.body)
        except NoAnswer as failure:
            self._last_error = failure.error
            return Retry(failure.error)
        outcome = judge(answer.status, answer.retry_after, self._clock.time())
        self._last_error = "" if isinstance(outcome, Done) else f"status {answer.status}"
        if outcome is RECEIVER_OFF:
            self._receiver_is_off(answer.status)
        return outcome

    def _request_headers(self, event: Event) -> dict[str, str]:
        event_id = _header_text(event.id)
        headers = self._headers | {"Webhook-Id": event_id}
        if event.seq:
            headers["X-Webhook-Seq"] = str(event.seq)
        if event.reason is not None:
            headers["X-Webhook-Reason"] = _header_text(event.reason)
        headers |= self._signer.headers(event_id, event.body, int(self._clock.time()))
        return headers

    def _receiver_is_off(self, status: int) -> None:
        self._last_error = f"status {status}, the receiver is switched off"
        self._unheard += 1
        now = self._clock.monotonic()
        if now >= self._warn_at:
            self._log.warning(
                "the webhook's receiver is switched off, or the path of its url is wrong: "
                "its events are dropped",
                receiver=self._shown,
                status=status,
                events=self._unheard,
            )
            self._warn_at = now + _WARN_SECONDS
            self._unheard = 0


def _header_text(value: str) -> str:
    """Return a value that can stand in a header; what cannot is percent-encoded."""
    return value if value.isascii() and value.isprintable() else quote(value, safe=" :/,;=+")
