"""Examinations run side by side, and none of them ends or holds up the others."""

import asyncio
import threading
import time

import pytest
from pydantic import SecretStr

from gatewright.cli.doctor.examining import Examination, examine
from gatewright.cli.doctor.secrets import Secrets
from gatewright.plugin.diagnosis import Finding
from gatewright.plugin.settings import Settings

FINE = Finding.ok("reach", "fine")
ORIGIN = "acme 1.0"


def look_with(*findings):
    async def look():
        for finding in findings:
            yield finding

    return look


def examined(*looks, seconds=30.0, secrets=None):
    examinations = [
        Examination(f"events.p{number}", look, ORIGIN, secrets or Secrets())
        for number, look in enumerate(looks)
    ]
    return [(each.part, each.finding) for each in examine(examinations, seconds)]


def test_findings_come_in_the_order_of_the_parts():
    second = Finding.warning("login", "late", fix="now")

    assert examined(look_with(FINE, second), look_with(FINE)) == [
        ("events.p0", FINE),
        ("events.p0", second),
        ("events.p1", FINE),
    ]


def test_they_run_side_by_side():
    together = threading.Barrier(3, timeout=20)

    async def look():
        together.wait()  # passes only when all three are there at once
        yield FINE

    assert examined(look, look, look) == [(f"events.p{number}", FINE) for number in range(3)]


@pytest.mark.parametrize("error", [ValueError("broken"), asyncio.CancelledError("broken")])
def test_one_that_raises_is_a_finding_that_names_the_plugin(error):
    async def look():
        yield FINE
        raise error

    assert examined(look, look_with(FINE)) == [
        ("events.p0", FINE),
        (
            "events.p0",
            Finding(
                "error",
                "diagnosis",
                f"the diagnosis of events.p0 (acme 1.0) failed: {type(error).__name__}: broken",
                "report it to the authors of acme 1.0",
            ),
        ),
        ("events.p1", FINE),
    ]


def test_one_that_hangs_is_a_finding_and_what_it_found_counts():
    closed = threading.Event()

    async def look():
        yield FINE
        try:
            await asyncio.Event().wait()
        finally:
            closed.set()

    assert examined(look, seconds=0.5) == [
        ("events.p0", FINE),
        (
            "events.p0",
            Finding(
                "error",
                "diagnosis",
                "the diagnosis of events.p0 (acme 1.0) was not done within 0.5 s; "
                "it ended with: reach",
                "gatewright doctor --seconds 1.5",
            ),
        ),
    ]
    assert closed.is_set()


def test_one_that_blocks_its_thread_is_left_behind():
    free = threading.Event()

    async def look():
        free.wait(50)
        yield FINE

    began = time.monotonic()
    try:
        seen = examined(look, look_with(FINE), seconds=0.5)
    finally:
        free.set()

    assert [(part, finding.status) for part, finding in seen] == [
        ("events.p0", "error"),
        ("events.p1", "ok"),
    ]
    assert time.monotonic() - began < 40


def test_one_that_yields_something_else_is_told_so():
    ((part, finding),) = examined(look_with("fine"))

    assert (part, finding.status, finding.check) == ("events.p0", "error", "diagnosis")
    assert finding.found.endswith("failed: it yields str, which is no Finding")


class _Settings(Settings):
    url: SecretStr = SecretStr("https://me:pa%24s@host/path?token=query1")
    keys: tuple[SecretStr, ...] = (SecretStr("hunter2"),)


@pytest.mark.parametrize("secret", ["pa%24s", "pa$s", "token=query1", "hunter2"])
def test_secrets_of_the_settings_are_hidden_wherever_they_turn_up(secret):
    async def look():
        yield Finding.warning("login", f"said '{secret}'", fix=f"try {secret} again")
        raise ValueError(secret)

    (_, told), (_, failed) = examined(look, secrets=Secrets(_Settings()))

    assert (told.found, told.fix) == ("said '***'", "try *** again")
    assert failed.found.endswith("failed: ValueError: ***")


def test_parts_of_other_words_are_no_secrets():
    told = Secrets(_Settings(keys=(SecretStr("key"),))).hidden("api_keys: the key is wrong")

    assert told == "api_keys: the *** is wrong"


def test_what_is_no_printable_line_is_made_one():
    ((_, finding),) = examined(look_with(Finding.ok("reach", "a\x1b[31m\nb")))

    assert finding.found == "a\\x1b[31m\\nb"
