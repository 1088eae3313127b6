import subprocess
import sys

from tests.core.cli.dlq.conftest import letter


def test_everything_known_is_shown_with_the_payload_last(gatewright, letters):
    letters.put(letter(1, event_reason="node_lost"))
    (key,) = letters.keys()

    shown = gatewright("dlq", "show", key)

    facts = {line.split()[0]: line.split(maxsplit=1)[1].strip() for line in shown.out.splitlines()
             if len(line.split(maxsplit=1)) == 2}  # fmt: skip
    assert facts["key"] == key
    assert facts["id"] == "e1"
    assert facts["event_reason"] == "node_lost"
    assert facts["attempts"] == "3"
    assert shown.out.endswith('{\n  "type": "message_received"\n}\n')


def test_a_payload_that_is_no_json_is_shown_as_it_is(gatewright, letters):
    letters.put(letter(1, payload=b'{"a": \x1b \xff'))

    shown = gatewright("dlq", "show", *letters.keys())

    assert shown.out.endswith('\n{"a": \\x1b \\xff\n')


def test_the_payload_alone_comes_byte_for_byte(letters):
    letters.put(letter(1, payload=b'{"a": 1.0 }\xff\n'))
    command = [sys.executable, "-m", "gatewright", "dlq", "show", *letters.keys(), "--payload"]

    done = subprocess.run(command, capture_output=True, check=True)

    assert done.stdout == b'{"a": 1.0 }\xff\n'


def test_an_unknown_key_is_named(gatewright, letters):
    letters.put(letter(1))

    refused = gatewright("dlq", "show", "no\x07key")

    text = "gatewright dlq: no dead letter with key no\\x07key; see gatewright dlq list\n"
    assert (refused.code, refused.err) == (1, text)
