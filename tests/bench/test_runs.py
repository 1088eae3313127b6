"""Every run, at a tiny size, against the real servers: what is sent arrives, and is counted."""

import json
import re
import shutil

import pytest
from bench import cases
from bench.__main__ import main
from bench.generator import find_generator
from bench.processes import started
from bench.targets import TARGETS

pytestmark = pytest.mark.xdist_group("bench")

SERVERS = ["gateway", "hypercorn", "websockets"]
GENERATORS = ["python", "c"] if shutil.which("cc") else ["python"]
SECONDS = 0.2
CLIENTS = 7


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """Start each server once, when the first test asks for it."""
    running = {}
    contexts = []

    def start(name):
        if name not in running:
            folder = tmp_path_factory.mktemp(name)
            context = started(name, TARGETS[name](folder), folder)
            running[name] = context.__enter__()
            contexts.append(context)
        return running[name]

    yield start
    for context in reversed(contexts):
        context.__exit__(None, None, None)


@pytest.fixture(scope="module", params=GENERATORS)
def generator(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield find_generator(request.param)


def load(generator, server, case):
    sample = generator.run(case.run, server, case.options, case.burst)
    case.check(server.name, sample)
    server.rest()
    return sample


def metric(server, name, **labels):
    wanted = "".join(f'(?=[^}}]*{key}="{value}")' for key, value in labels.items())
    pattern = rf"^{name}(?:{{{wanted}.*}})? (\S+)$"
    found = re.search(pattern, server.get("/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("name", SERVERS)
def test_every_publication_reaches_every_client(generator, serving, name):
    (case,) = cases.fanout([name], connections=[CLIENTS], windows=[3], rate=0, seconds=SECONDS)

    sample = load(generator, serving(name), case)

    assert sample.delivered == sample.sent == sample.published * CLIENTS > 0
    assert 0 < sample.samples <= sample.delivered
    assert sample.server_cpu > 0
    assert sample.client_cpu > 0
    assert 0 < sample.p50_ms <= sample.p99_ms


def test_publications_at_a_rate_all_arrive(generator, serving):
    options = {"connections": CLIENTS, "rate": 50, "seconds": SECONDS, "warmup": SECONDS}
    case = cases.Case("fanout", "50/s", options, ["websockets"])

    sample = load(generator, serving("websockets"), case)

    assert sample.delivered == sample.sent == sample.published * CLIENTS > 0


@pytest.mark.parametrize("name", SERVERS)
def test_every_ping_has_its_pong(generator, serving, name):
    single, bulk, _ = cases.inbound([name], connections=CLIENTS, seconds=SECONDS)

    assert load(generator, serving(name), single).replied > 0
    sample = load(generator, serving(name), bulk)

    assert sample.replied == sample.bursts * cases.BULK > 0


def test_every_message_becomes_an_event_of_the_gateway(generator, serving):
    server = serving("gateway")
    *_, case = cases.inbound(["gateway"], connections=CLIENTS, seconds=SECONDS)
    before = metric(server, "gatewright_events_total", type="message_received")

    sample = load(generator, server, case)

    events = metric(server, "gatewright_events_total", type="message_received") - before
    assert events == sample.bursts * (cases.BULK - 1) > 0


@pytest.mark.parametrize("name", ["gateway-jwt", *SERVERS])
def test_clients_come_and_go(generator, serving, name):
    (case,) = cases.handshake([name], connections=CLIENTS, seconds=SECONDS)

    sample = load(generator, serving(name), case)

    assert sample.opened >= sample.count > 0
    assert sample.samples > 0


def test_idle_clients_use_memory_and_leave(generator, serving):
    server = serving("gateway")
    options = {"connections": 100, "warm": 5, "settle": 0.1}

    sample = load(generator, server, cases.Case("idle", "100", options, ["gateway"]))

    assert sample.rss_after_kib >= sample.rss_before_kib > 0
    assert sample.opened == 105
    assert metric(server, "gatewright_connections") == 0


def test_the_command_prints_a_table_and_writes_its_figures(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    report = tmp_path / "figures.json"
    arguments = ["handshake", "--connections", "3", "--rounds", "2", "--seconds", "0.1"]

    code = main([*arguments, "--targets", "websockets,hypercorn", "--json", str(report)])

    assert code == 0
    printed = capsys.readouterr().out
    assert "| 3 at a time |" in printed
    assert "load generator: " in printed
    lines = json.loads(report.read_text())["figures"]
    assert [line["server"] for line in lines] == ["websockets", "hypercorn"]
    assert {line["cpu_ratio"] for line in lines if line["server"] == "websockets"} == {1.0}


def test_an_unknown_server_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["fanout", "--targets", "nginx"])

    assert stopped.value.code == 2
    assert "no server 'nginx'; there are gateway, " in capsys.readouterr().err


def test_a_server_that_does_not_start_is_one_line_and_its_log(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("bench.targets._ANONYMOUS", "anonymus: {}")

    code = main(["inbound", "--targets", "gateway", "--rounds", "1"])

    assert code == 1
    error = capsys.readouterr().err
    assert "gateway does not serve; it printed:" in error
    assert "anonymus" in error
