import asyncio
import json

import pytest
import structlog

from gatewright import DeadLetter
from gatewright.config.load import load_config
from gatewright.metrics import Metrics
from gatewright.plugin.host import Hosts, Surroundings

SINK = """
    import json
    from contextlib import asynccontextmanager
    from pathlib import Path
    from gatewright import Done, Factory, Reject, Retry, SinkSettings, hookimpl

    GATEWRIGHT_API = (1, 0)

    class Backend:
        async def send(self, batch):
            return [self.outcome(event) for event in batch]

        def outcome(self, event):
            with Path("seen.jsonl").open("a") as seen:
                fields = [event.type, event.id, event.seq, event.reason, event.body.decode()]
                seen.write(json.dumps(fields) + "\\n")
            verdicts = json.loads(Path("verdicts.json").read_text())
            match verdicts.get(event.id, "done"):
                case "done":
                    return Done()
                case "reject":
                    return Reject("status 400")
                case "retry":
                    return Retry("status 503")
                case _:
                    raise RuntimeError("sink is broken")

    @asynccontextmanager
    async def open_backend(settings, context):
        yield Backend()

    @hookimpl
    def gatewright_events():
        return Factory(settings=SinkSettings, open=open_backend, summary="Writes down.")
"""
CONFIG = """
auth: {anonymous: {}}
dead_letters: {file: {path: letters.jsonl}}
events:
  probe: {}
  probe/extended: {extended: true}
"""


def letter(number, **fields):
    given = {
        "id": f"e{number}",
        "kind": "event",
        "target": "probe",
        "reason": "attempts",
        "payload": b'{"type":"message_received"}',
        "type": "message_received",
        "connection_id": f"c{number}",
        "user_id": "42",
        "seq": number,
        "first_at": 1_700_000_000.0,
        "last_at": 1_700_000_060.0,
        "attempts": 3,
        "error": "status 503",
    }
    return DeadLetter(**given | fields)


class Letters:
    """The store of the folder a test runs in."""

    def __init__(self, folder):
        self.folder = folder

    def put(self, *letters):
        asyncio.run(self._with(lambda store: store.put(letters)))

    def all(self):
        return asyncio.run(self._with(lambda store: store.read(None, 1000)))

    def states(self):
        return {record.letter.id: record.state for record in self.all()}

    def keys(self):
        return [record.key for record in self.all()]

    def verdicts(self, **of_ids):
        (self.folder / "verdicts.json").write_text(json.dumps(of_ids))

    def seen(self):
        """What the sinks were given: type, id, seq, reason and body of each event."""
        file = self.folder / "seen.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    async def _with(self, work):
        around = Surroundings(log=structlog.get_logger(), metrics=Metrics(), node_id="test")
        async with Hosts(around) as hosts:
            config = load_config(self.folder / "gateway.yaml")
            host = await hosts.open(config.one("dead_letters"))
            return await work(host.backend)


@pytest.fixture
def letters(tmp_path, plugin_env):
    plugin_env.module("probe_sink", SINK)
    plugin_env.distribution("acme-probe", events={"probe": "probe_sink"})
    (tmp_path / "gateway.yaml").write_text(CONFIG)
    made = Letters(tmp_path)
    made.verdicts()
    return made
