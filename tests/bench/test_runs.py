"""Every run, at a tiny size, against the real servers: what is sent arrives, and is counted."""

import json
import re
import shutil

import pytest
from bench import cases, growth
from bench.__main__ import main
from bench.generator import find_generator
from bench.processes import started
from bench.targets import TARGETS

pytestmark = pytest.mark.xdist_group("bench")

SERVERS = [
    "gateway",
    "gateway-direct",
    "gateway-asgi",
    "c-send",
    "nchan",
    "websockets",
    "picows",
    "uvicorn",
    "hypercorn",
    "socketio",
]
TALKED_TO = [name for name in SERVERS if "inbound" in TARGETS[name].runs]
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
            skip_what_cannot_be_had(name)
            folder = tmp_path_factory.mktemp(name)
            context = started(name, TARGETS[name].recipe(folder), folder)
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


def skip_what_cannot_be_had(name):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.apt.install", lambda *_: False)  # not while tests run
        if reason := TARGETS[name].missing():
            pytest.skip(reason)


def load(generator, server, case):
    sample = generator.run(server, case.load)
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


@pytest.mark.parametrize("name", TALKED_TO)
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


def test_a_publication_reaches_every_user_that_it_names(generator, serving):
    (case,) = growth.cases(
        ["gateway", "websockets"], connections=[], subjects=[5], window=2, seconds=SECONDS
    )

    sample = load(generator, serving("gateway"), case)

    assert case.targets == ["gateway"]
    assert sample.delivered == sample.sent == sample.published * 5 > 0


def test_a_server_is_all_of_its_processes(serving):
    assert len(serving("nchan").pids) == 2  # the worker, and who looks after it
    assert len(serving("websockets").pids) == 1


@pytest.mark.parametrize("name", ["gateway", "gateway-users"])
def test_idle_clients_use_memory_and_leave(generator, serving, name):
    server = serving(name)
    options = {"connections": 100, "warm": 5, "settle": 0.1}

    sample = load(generator, server, cases.Case("idle", "100", options, [name]))

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


def test_the_command_plots_how_cost_grows(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    arguments = ["growth", "--connections", "1,3", "--subjects", "2", "--targets", "gateway"]
    arguments += ["--rounds", "1", "--seconds", "0.1", "--svg", str(tmp_path / "plots")]

    code = main(arguments)

    assert code == 0
    printed = capsys.readouterr().out
    assert "| 1 subject, 3 connections " in printed
    assert "| 2 subjects, 1 connection each" in printed
    plots = sorted((tmp_path / "plots").iterdir())
    assert [plot.name for plot in plots] == ["growth-connections.svg", "growth-subjects.svg"]


def test_what_cannot_be_had_here_is_told_and_left_out(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("bench.servers.nchan._MODULE", tmp_path / "none")
    monkeypatch.setattr("bench.apt.install", lambda *_: False)
    monkeypatch.setattr("bench.plans._missing", lambda name: TARGETS[name].missing())
    arguments = ["handshake", "--connections", "2", "--rounds", "1", "--seconds", "0.1"]

    code = main([*arguments, "--targets", "nchan,websockets"])

    assert code == 0
    printed = capsys.readouterr().out
    assert "skipped: nchan: needs nginx and libnginx-mod-nchan: apt-get install " in printed
    assert "| websockets |" in printed
    assert "| nchan " not in printed


def test_without_any_server_nothing_is_measured(capsys):
    assert main(["inbound", "--targets", "nchan"]) == 1

    told = capsys.readouterr()
    assert "skipped: nchan, inbound: " in told.out
    assert "no server is left" in told.err


def test_a_peer_that_fails_is_told_and_left_out(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "server.c").write_text("no C at all")
    monkeypatch.setattr("bench.servers.c_send.SOURCES", tmp_path)
    arguments = ["handshake", "--connections", "2", "--rounds", "1", "--seconds", "0.1"]

    code = main([*arguments, "--targets", "c-send,websockets"])

    assert code == 0
    printed = capsys.readouterr().out
    assert "left out: c-send, 2 at a time: cannot compile c-send: " in printed
    assert "| websockets |" in printed


def test_an_unknown_server_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["fanout", "--targets", "apache"])

    assert stopped.value.code == 2
    assert "no server 'apache'; there are gateway, " in capsys.readouterr().err


def test_a_server_that_does_not_start_is_one_line_and_its_log(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("bench.servers.gateway._ANONYMOUS", "anonymus: {}")

    code = main(["inbound", "--targets", "gateway", "--rounds", "1"])

    assert code == 1
    error = capsys.readouterr().err
    assert "gateway does not serve; it printed:" in error
    assert "anonymus" in error
