import json

from tests.core.cli.dlq.conftest import letter


def test_an_empty_store_is_said_to_be_empty(gatewright, letters):
    listed = gatewright("dlq", "list")

    assert (listed.code, listed.out) == (0, "")
    assert listed.err == "0 dead letters in letters.jsonl (no such file)\n"


def test_a_file_without_letters_is_named_too(gatewright, letters):
    letters.put(letter(1))

    listed = gatewright("dlq", "list", "--state", "redriven")

    assert listed.err == "0 dead letters in letters.jsonl\n"


def test_letters_are_listed_in_the_order_of_writing(gatewright, letters):
    letters.put(letter(1), letter(2, kind="publication", type="", target="http", error=""))

    listed = gatewright("dlq", "list")

    header, first, second = listed.out.splitlines()
    assert header.split() == [
        "key", "state", "since", "target", "what", "user", "reason", "tried", "error",
    ]  # fmt: skip
    assert "probe" in first
    assert "message_received" in first
    assert "status 503" in first
    assert "publication" in second
    assert listed.err == "2 dead letters\n"


def test_a_limit_shows_the_first_and_says_how_many_there_are(gatewright, letters):
    letters.put(*(letter(number) for number in range(1, 8)))

    listed = gatewright("dlq", "list", "--limit", "2", "--json")
    assert [json.loads(line)["id"] for line in listed.out.splitlines()] == ["e1", "e2"]

    listed = gatewright("dlq", "list", "-n", "2")
    assert listed.err == "7 dead letters, the first 2 are shown; --limit shows more\n"


def test_one_state_can_be_asked_for(gatewright, letters):
    letters.put(letter(1), letter(2))
    assert gatewright("dlq", "redrive", letters.keys()[0]).code == 0

    def ids(state):
        listed = gatewright("dlq", "list", "--state", state, "--json")
        return [json.loads(line)["id"] for line in listed.out.splitlines()]

    assert ids("new") == ["e2"]
    assert ids("redriven") == ["e1"]


def test_json_holds_everything_with_payloads_that_are_no_text_as_base64(gatewright, letters):
    letters.put(letter(1, event_reason="node_lost"), letter(2, payload=b"\xff\x00"))

    text, raw = map(json.loads, gatewright("dlq", "list", "--json").out.splitlines())

    assert text["payload"] == '{"type":"message_received"}'
    assert text["event_reason"] == "node_lost"
    assert text["first_at"] == 1_700_000_000.0
    assert raw["payload_base64"] == "/wA="
    assert "payload" not in raw


def test_what_letters_hold_cannot_steer_the_terminal(gatewright, letters):
    letters.put(letter(1, error="\x1b[2Jgone [bold]x"))

    listed = gatewright("dlq", "list")

    assert "\x1b" not in listed.out
    assert "\\x1b[2Jgone [bold]x" in listed.out


def test_without_a_configuration_there_is_one_line(gatewright):
    failed = gatewright("dlq", "list")

    assert (failed.code, failed.err) == (2, "gateway.yaml: no such file\n")
