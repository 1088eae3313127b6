"""Judging answers."""

from __future__ import annotations

import pytest

from gatewright import Done, Outcome, Reject, Retry
from gatewright_events_webhook.answers import judge, retry_after

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Done()),
        (204, Done()),
        (299, Done()),
        (404, Done(note="receiver_off")),
        (408, Retry("status 408")),
        (425, Retry("status 425")),
        (429, Retry("status 429")),
        (500, Retry("status 500")),
        (503, Retry("status 503")),
        (599, Retry("status 599")),
        (101, Reject("status 101")),
        (300, Reject("status 300")),
        (302, Reject("status 302")),
        (304, Reject("status 304")),
        (400, Reject("status 400")),
        (401, Reject("status 401")),
        (410, Reject("status 410")),
        (426, Reject("status 426")),
    ],
)
def test_each_status_means_what_the_contract_says(status: int, outcome: Outcome) -> None:
    assert judge(status, None, NOW) == outcome


def test_a_wait_is_only_read_where_another_attempt_follows() -> None:
    assert judge(503, "7", NOW) == Retry("status 503", after=7.0)
    assert judge(429, "7", NOW) == Retry("status 429", after=7.0)
    assert judge(404, "7", NOW) == Done(note="receiver_off")
    assert judge(302, "7", NOW) == Reject("status 302")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 3 ", 3.0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:14:20 -0000", 60.0),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60.0),
        ("Tue Nov 14 22:14:20 2023", 60.0),
        ("Tue, 14 Nov 2023 22:12:20 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("nan", None),
        ("٣", None),
        ("9" * 5000, None),
        ("Tue, 99 Nov 2023 22:14:20 GMT", None),
        ("Tue, 14 Nov 99999 22:14:20 GMT", None),
        ("\x00", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds
