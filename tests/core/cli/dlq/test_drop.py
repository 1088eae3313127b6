import io
from importlib import import_module

import pytest
from tests.core.cli.dlq.conftest import letter


def test_named_letters_go_for_good(gatewright, letters):
    letters.put(letter(1), letter(2), letter(3))
    first, _, third = letters.keys()

    dropped = gatewright("dlq", "drop", first, third, "--yes")

    assert (dropped.code, dropped.out) == (0, "removed 2 dead letters\n")
    assert list(letters.states()) == ["e2"]


def test_all_of_them_go_however_many(gatewright, letters, monkeypatch):
    monkeypatch.setattr(import_module("gatewright.cli.dlq.drop"), "REMOVED_AT_ONCE", 500)
    letters.put(*(letter(number) for number in range(1201)))

    dropped = gatewright("dlq", "drop", "--all", "-y")

    assert dropped.out == "removed 1201 dead letters\n"
    assert letters.all() == []


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 1, 1), ("", 1, 1)])
def test_it_asks_first(gatewright, letters, monkeypatch, answer, code, left):
    letters.put(letter(1))
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))

    dropped = gatewright("dlq", "drop", "--all")

    assert dropped.code == code
    assert "Remove all dead letters for good?" in dropped.err
    assert len(letters.all()) == left


def test_an_unknown_key_drops_nothing(gatewright, letters):
    letters.put(letter(1))

    assert gatewright("dlq", "drop", *letters.keys(), "nope", "--yes").code == 1
    assert len(letters.all()) == 1


def test_either_keys_or_all(gatewright, letters):
    refused = gatewright("dlq", "drop", "--yes")

    assert (refused.code, refused.err) == (2, "gatewright dlq drop: needs either keys or --all\n")
