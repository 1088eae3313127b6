"""Dead letters that a transport's own broker keeps, and publications that go back."""

import json

import pytest
from tests.core.cli.dlq.conftest import CONFIG, letter

from gatewright.cli.dlq.transports import _LENT, NotServing

TRANSPORT = """
    import json
    from contextlib import asynccontextmanager
    from pathlib import Path
    from gatewright import (
        DeadLetter, Factory, StoredDeadLetter, TransportSettings, hookimpl
    )

    GATEWRIGHT_API = (1, 0)

    class Settings(TransportSettings):
        keeps: bool = True
        fails: bool = False

    class Store:
        def __init__(self, target):
            self.target = target
            self.file = Path("broker.json")

        def entries(self):
            return json.loads(self.file.read_text()) if self.file.exists() else []

        async def put(self, records):
            raise NotImplementedError

        async def read(self, after=None, limit=100):
            found = self.entries()[int(after or 0):][:limit]
            return [
                StoredDeadLetter(
                    str(key),
                    DeadLetter(f"m{key}", "publication", self.target, "parse_error", raw.encode()),
                    state,
                )
                for key, raw, state in found
                if state != "removed"
            ]

        async def mark(self, key, state):
            found = self.entries()
            found[int(key) - 1][2] = state
            self.file.write_text(json.dumps(found))

        async def remove(self, keys):
            for key in keys:
                await self.mark(key, "removed")
            return len(keys)

    class Transport:
        reach = "node"

        def __init__(self, settings, context):
            self.settings, self.store = settings, Store(context.name)
            self.lent = [context.publish, context.command, context.dead_letters]
            self.lent += [context.presence, context.membership]

        async def run(self, publish):
            Path("ran").touch()

        def dead_letters(self):
            return self.store if self.settings.keeps else None

        async def resend(self, letter):
            with Path("resent.jsonl").open("a") as resent:
                resent.write(json.dumps([letter.id, letter.payload.decode()]) + "\\n")
            if "wrong" in letter.payload.decode():  # a gateway beside rejects it at once
                found = self.store.entries()
                found.append([len(found) + 1, letter.payload.decode(), "new"])
                self.store.file.write_text(json.dumps(found))

    @asynccontextmanager
    async def open_transport(settings, context):
        if settings.fails:
            raise OSError("no certificate")
        yield Transport(settings, context)

    @hookimpl
    def gatewright_transport():
        needs = frozenset({"publish", "command", "presence", "membership", "dead_letters"})
        return Factory(settings=Settings, open=open_transport, summary="Keeps.", needs=needs)
"""
PLAIN = """
    from contextlib import asynccontextmanager
    from gatewright import Factory, TransportSettings, hookimpl

    GATEWRIGHT_API = (1, 0)

    class Transport:
        reach = "node"

        async def run(self, publish):
            raise NotImplementedError

    @asynccontextmanager
    async def open_transport(settings, context):
        yield Transport()

    @hookimpl
    def gatewright_transport():
        return Factory(settings=TransportSettings, open=open_transport, summary="Keeps nothing.")
"""
TRANSPORTS = """
transports:
  keeper: {}
  keeper/none: {keeps: false}
  keeper/broken: {fails: true}
  plain: {}
"""
IN_USE = "keeper, keeper/none, keeper/broken and plain"


@pytest.fixture
def broker(tmp_path, plugin_env, letters):
    """The broker's dead letters; the configuration has transports."""
    plugin_env.module("keeper_transport", TRANSPORT)
    plugin_env.distribution("acme-keeper", transport={"keeper": "keeper_transport"})
    plugin_env.module("plain_transport", PLAIN)
    plugin_env.distribution("acme-plain", transport={"plain": "plain_transport"})
    (tmp_path / "gateway.yaml").write_text(CONFIG + TRANSPORTS)
    return Broker(tmp_path)


class Broker:
    def __init__(self, folder):
        self.folder = folder

    def hold(self, *payloads):
        rows = [[number, payload, "new"] for number, payload in enumerate(payloads, 1)]
        (self.folder / "broker.json").write_text(json.dumps(rows))

    def states(self):
        return [row[2] for row in json.loads((self.folder / "broker.json").read_text())]

    def resent(self):
        file = self.folder / "resent.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("name", ["keeper", "transports.keeper"])
def test_a_brokers_own_letters_are_listed_by_either_name(gatewright, broker, letters, name):
    letters.put(letter(1))
    broker.hold("[1", "[2")

    listed = gatewright("dlq", "list", "--from", name, "--json")

    rows = [json.loads(line) for line in listed.out.splitlines()]
    assert listed.code == 0
    assert [(row["key"], row["target"], row["payload"]) for row in rows] == [
        ("1", "keeper", "[1"),
        ("2", "keeper", "[2"),
    ]
    assert not (broker.folder / "ran").exists()


def test_they_are_shown_and_dropped(gatewright, broker):
    broker.hold("[1", "[2", "[3")

    shown = gatewright("dlq", "show", "2", "--from", "keeper")
    dropped = gatewright("dlq", "drop", "1", "3", "--from", "keeper", "--yes")

    assert shown.out.endswith("\n[2\n")
    assert dropped.out == "removed 2 dead letters\n"
    assert broker.states() == ["removed", "new", "removed"]


def test_they_go_back_once_and_are_marked(gatewright, broker):
    broker.hold("[1", "[2")

    done = gatewright("dlq", "redrive", "--all", "--from", "keeper")
    again = gatewright("dlq", "redrive", "--all", "--from", "keeper")

    assert (done.code, done.out, done.err) == (0, "2 redriven, 0 failed\n", "")
    assert again.out == "0 redriven, 0 failed\n"
    assert broker.resent() == [["m1", "[1"], ["m2", "[2"]]
    assert broker.states() == ["redriven", "redriven"]
    assert not (broker.folder / "ran").exists()


def test_what_comes_back_as_a_dead_letter_at_once_is_left_for_another_time(gatewright, broker):
    broker.hold("wrong", "wrong")

    done = gatewright("dlq", "redrive", "--all", "--from", "keeper")

    assert done.out == "2 redriven, 0 failed\n"
    assert broker.states() == ["redriven", "redriven", "new", "new"]


def test_publications_in_the_store_go_back_to_the_transport_that_they_name(
    gatewright, broker, letters
):
    fields = {"kind": "publication", "type": "", "connection_id": ""}
    letters.put(
        letter(1, target="keeper", **fields), letter(2), letter(3, target="plain", **fields)
    )

    done = gatewright("dlq", "redrive", "--all")

    assert (done.code, done.out) == (1, "2 redriven, 0 failed, 1 skipped\n")
    assert "only its publisher can send it again" in done.err
    assert [one[0] for one in broker.resent()] == ["e1"]
    assert [event[1] for event in letters.seen()] == ["e2"]
    assert letters.states() == {"e1": "redriven", "e2": "redriven", "e3": "new"}


def test_a_transport_that_nobody_asks_for_is_not_opened(gatewright, broker, letters):
    letters.put(letter(1))

    assert gatewright("dlq", "redrive", "--all").code == 0


def test_one_that_does_not_open_is_named(gatewright, broker):
    refused = gatewright("dlq", "list", "--from", "keeper/broken")

    assert refused.code == 3
    assert "plugin 'keeper/broken' (acme-keeper 1.0) did not open" in refused.err


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("keepr", 2, "no transport named 'keepr' is in use; did you mean 'keeper'?"),
        (
            "transports.x",
            2,
            f"no transport named 'x' is in use; in use: {IN_USE}",
        ),
        ("plain", 1, "transports.plain keeps no dead letters of its own"),
        ("keeper/none", 1, "transports.keeper/none keeps no dead letters of its own"),
    ],
)
@pytest.mark.parametrize(
    "command", [["list"], ["show", "1"], ["redrive", "1"], ["drop", "1", "-y"]]
)
def test_what_cannot_be_worked_on_is_said(gatewright, broker, command, name, code, text):
    refused = gatewright("dlq", *command, "--from", name)

    assert (refused.code, refused.err) == (code, f"gatewright dlq: {text}\n")


def test_without_any_transport_there_is_none_to_name(gatewright, letters):
    refused = gatewright("dlq", "list", "--from", "keeper")

    assert refused.err == "gatewright dlq: no transport named 'keeper' is in use\n"


def test_one_place_at_a_time(gatewright, broker):
    refused = gatewright("dlq", "list", "--from", "keeper", "--last-resort")

    assert refused.code == 2
    assert refused.err == "gatewright dlq: takes either --from or --last-resort\n"


@pytest.mark.parametrize("need", list(_LENT))
def test_what_a_transport_is_lent_cannot_be_used(need):
    with pytest.raises(NotServing):
        _LENT[need]()
    with pytest.raises(NotServing):
        _LENT[need].find()
