import json

import pytest
from tests.core.cli.dlq.conftest import letter


def test_events_go_to_their_sink_once_with_their_own_id_in_order(gatewright, letters):
    letters.put(letter(1, event_reason="node_lost"), letter(2), letter(3))

    done = gatewright("dlq", "redrive", "--all")

    assert (done.code, done.out, done.err) == (0, "3 redriven, 0 failed\n", "")
    body = '{"type":"message_received"}'
    assert letters.seen() == [
        ["message_received", "e1", 1, "node_lost", body],
        ["message_received", "e2", 2, None, body],
        ["message_received", "e3", 3, None, body],
    ]
    assert set(letters.states().values()) == {"redriven"}


def test_a_second_run_finds_nothing_to_do(gatewright, letters):
    letters.put(letter(1))
    gatewright("dlq", "redrive", "--all")

    again = gatewright("dlq", "redrive", "--all")

    assert (again.code, again.out) == (0, "0 redriven, 0 failed\n")
    assert len(letters.seen()) == 1


def test_keys_choose_and_may_name_what_was_redriven(gatewright, letters):
    letters.put(letter(1), letter(2), letter(3))
    first, _, third = letters.keys()

    assert gatewright("dlq", "redrive", third, first).out == "2 redriven, 0 failed\n"
    assert [event[1] for event in letters.seen()] == ["e1", "e3"]
    assert gatewright("dlq", "redrive", first).out == "1 redriven, 0 failed\n"


def test_what_is_refused_stays_with_its_error_told(gatewright, letters):
    letters.put(letter(1), letter(2), letter(3))
    letters.verdicts(e1="reject", e2="broken")
    key, second, _ = letters.keys()

    done = gatewright("dlq", "redrive", "--all")

    assert (done.code, done.out) == (1, "1 redriven, 2 failed\n")
    assert done.err.splitlines() == [
        f"{key} probe message_received e1: status 400",
        f"{second} probe message_received e2: RuntimeError: sink is broken",
    ]
    assert letters.states() == {"e1": "new", "e2": "new", "e3": "redriven"}


def test_a_failure_that_may_pass_holds_back_its_connection_and_no_other(gatewright, letters):
    letters.put(
        letter(1, connection_id="a"), letter(2, connection_id="a"), letter(3, connection_id="b")
    )
    letters.verdicts(e1="retry")

    done = gatewright("dlq", "redrive", "--all")

    assert (done.code, done.out) == (1, "1 redriven, 1 failed, 1 held back\n")
    assert [event[1] for event in letters.seen()] == ["e1", "e3"]
    assert letters.states() == {"e1": "new", "e2": "new", "e3": "redriven"}


def test_a_refusal_for_good_holds_back_nothing(gatewright, letters):
    letters.put(letter(1, connection_id="a"), letter(2, connection_id="a"))
    letters.verdicts(e1="reject")

    assert gatewright("dlq", "redrive", "--all").out == "1 redriven, 1 failed\n"


def test_what_has_nowhere_to_go_is_skipped_and_said(gatewright, letters):
    letters.put(letter(1, target="gone"), letter(2, kind="publication", type="", target="http"))
    first, second = letters.keys()

    done = gatewright("dlq", "redrive", "--all")

    assert (done.code, done.out) == (1, "0 redriven, 0 failed, 2 skipped\n")
    assert done.err.splitlines() == [
        f"{first} gone message_received e1: no sink of this name is configured",
        f"{second} http publication e2: is no event; only its publisher can send it again",
    ]


def test_an_extended_sink_gets_the_extended_body(gatewright, letters):
    letters.put(letter(7, target="probe/extended"))

    gatewright("dlq", "redrive", "--all")

    body = json.loads(letters.seen()[0][4])
    assert body == {"type": "message_received", "id": "e7", "seq": 7}


@pytest.mark.parametrize("arguments", [[], ["1", "--all"]])
def test_either_keys_or_all(gatewright, letters, arguments):
    refused = gatewright("dlq", "redrive", *arguments)

    assert refused.code == 2
    assert refused.err == "gatewright dlq redrive: needs either keys or --all\n"


@pytest.mark.parametrize("rate", ["0", "-1", "nan"])
def test_a_rate_is_more_than_nothing(gatewright, letters, rate):
    refused = gatewright("dlq", "redrive", "--all", f"--rate={rate}")

    assert refused.code == 2
    assert refused.err == "gatewright dlq redrive: --rate must be greater than 0\n"


def test_one_unknown_key_sends_nothing(gatewright, letters):
    letters.put(letter(1))

    refused = gatewright("dlq", "redrive", *letters.keys(), "nope")

    assert refused.code == 1
    assert letters.seen() == []
