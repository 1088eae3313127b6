"""Each alert fires for what it is about, not before its time, and not for what is well."""

import re

import pytest
import yaml
from tests.docs.test_docs import anchors
from tests.support.markdown import ROOT
from tests.support.rules import RULES, alerts, promtool

BAD = 'job="bad",instance="b1"'
GOOD = 'job="good",instance="g1"'


def case(bad, good, *, at=40, **labels):
    """Series under job="bad" that must fire at minute ``at``, and series under job="good".

    In the names of series, ``@`` stands for job and instance. ``labels`` are those that the alert
    has beside job and instance; ``instance=None`` takes that one away.
    """
    return {"bad": bad, "good": good, "at": at, "labels": labels}


def same(series, bad, good, **labels):
    """One series, with values that must fire and values that must not."""
    return case({series: bad}, {series: good}, **labels)


def newly(result, store):
    series = f'gatewright_dead_letters_total{{@,store="{store}",result="{result}"}}'
    return case({series: "_x35 3x20"}, {series: "5x60"}, result=result, store=store)


def handshakes(result):
    return f'gatewright_handshakes_total{{@,result="{result}"}}'


READY = 'gatewright_plugin_ready{{@,plugin="{}"}}'
CANARY = 'gatewright_bus_canary_seconds_bucket{{@,le="{}"}}'
FETCHES = 'gatewright_auth_jwt_key_fetches_total{{@,result="{}"}}'
PUBLISHED = 'gatewright_publications_total{{@,transport="http",result="{}"}}'
CASES = {
    "GatewrightDown": case(
        {"up{@}": "1x5 0x60", "gatewright_connections{@}": "7x5"},
        {"up{@}": "1x60", "gatewright_connections{@}": "7x60", 'up{job="other"}': "0x60"},
    ),
    "GatewrightNoNodeReady": case(
        {READY.format("bus.redis"): "0x60", READY.format("auth.jwt"): "1x60"},
        {READY.format("bus.redis"): "0x60", 'gatewright_plugin_ready{job="good"}': "1x60"},
        instance=None,
    ),
    "GatewrightNotReady": same(READY.format("auth.jwt"), "0x60", "1x60", plugin="auth.jwt"),
    "GatewrightPluginRestarts": same(
        'gatewright_plugin_restarts_total{@,plugin="bus.redis"}',
        "0+1x60",
        "0x30 1x30",
        plugin="bus.redis",
    ),
    "GatewrightObserverOff": same(
        'gatewright_observers_off_total{@,plugin="extensions.x"}',
        "1x60",
        "0x60",
        plugin="extensions.x",
    ),
    "GatewrightLoopStalled": same("gatewright_loop_stalls_total{@}", "0x35 1x25", "1x60"),
    "GatewrightLoopLate": same("gatewright_loop_lag_seconds{@}", "0.4x60", "0.001x60"),
    "GatewrightNodeLost": same("gatewright_lost_connections_total{@}", "0x35 40x25", "40x60"),
    "GatewrightPresenceFailures": same(
        'gatewright_presence_failures_total{@,call="refresh"}', "0+1x60", "9x60", call="refresh"
    ),
    "GatewrightConnectionsDropped": same(
        "gatewright_connections{@}", "1000x36 300x20", "1000x36 700x20", instance=None
    ),
    "GatewrightHandshakesRefused": case(
        {handshakes("refused"): "0+60x60", handshakes("accepted"): "0+60x60"},
        {handshakes("refused"): "0+60x60", handshakes("accepted"): "0+600x60"},
        instance=None,
    ),
    "GatewrightAuthUnavailable": same(handshakes("unavailable"), "0+1x60", "4x60"),
    "GatewrightKeysNotFetched": case(
        {FETCHES.format("error"): "0+1x90", FETCHES.format("ok"): "3x90"},
        {FETCHES.format("error"): "0+1x90", FETCHES.format("ok"): "0+1x90"},
        at=60,
        result="error",
    ),
    "GatewrightFull": same(handshakes("full"), "0+1x60", "4x60"),
    "GatewrightSlowClients": case(
        {"gatewright_slow_closes_total{@}": "0+3x60", "gatewright_connections{@}": "500x60"},
        {"gatewright_slow_closes_total{@}": "0+3x60", "gatewright_connections{@}": "50000x60"},
    ),
    "GatewrightDrainStuck": same("gatewright_draining{@}", "0x30 1x30", "0x30 1x3 0x30"),
    "GatewrightFilesRunOut": case(
        {
            "process_open_fds{@}": "900x60",
            "process_max_fds{@}": "1024x60",
            "gatewright_connections{@}": "700x60",
        },
        {
            "process_open_fds{@}": "800x60",
            "process_max_fds{@}": "1024x60",
            "gatewright_connections{@}": "700x60",
            'process_open_fds{job="other"}': "1000x60",
            'process_max_fds{job="other"}': "1024x60",
        },
    ),
    "GatewrightBusDown": same(READY.format("bus.redis"), "0x60", "1x60", plugin="bus.redis"),
    "GatewrightBusSlow": case(
        {
            CANARY.format("0.5"): "0+1x60",
            CANARY.format("1"): "0+9x60",
            CANARY.format("+Inf"): "0+9x60",
        },
        {
            CANARY.format("0.5"): "0+9x60",
            CANARY.format("1"): "0+9x60",
            CANARY.format("+Inf"): "0+9x60",
        },
    ),
    "GatewrightBusSplit": case(
        {
            "gatewright_bus_nodes{@}": "1x60",
            'gatewright_bus_nodes{job="bad",instance="b2"}': "2x60",
        },
        {
            "gatewright_bus_nodes{@}": "2x60",
            'gatewright_bus_nodes{job="good",instance="g2"}': "2x60",
        },
    ),
    "GatewrightBusGap": same("gatewright_bus_gaps_total{@}", "0x35 1x25", "1x60"),
    "GatewrightPublicationsRefused": same(
        PUBLISHED.format("bus_unavailable"), "0+1x60", "7x60", instance=None, transport="http"
    ),
    "GatewrightPublicationsInvalid": same(
        PUBLISHED.format("invalid"), "0+1x60", "0x30 1x30", instance=None, transport="http"
    ),
    "GatewrightStreamLag": same("gatewright_redis_stream_lag{@}", "2000x60", "20x60"),
    "GatewrightBreakerOpen": same(
        'gatewright_breaker_open{@,sink="crm"}', "1x60", "0x60", sink="crm"
    ),
    "GatewrightEventsLate": same(
        'gatewright_lane_age_seconds{@,sink="crm"}', "20x60", "2x60", sink="crm"
    ),
    "GatewrightEventsBacklog": same(
        'gatewright_lane_events{@,sink="crm"}', "1000+50x60", "9000-50x60", sink="crm"
    ),
    "GatewrightDeadLetters": newly("written", "file"),
    "GatewrightDeadLettersFailing": newly("failed", "redis_stream"),
    "GatewrightDeadLettersLost": newly("lost", "memory"),
}


def minutes(text):
    return int(re.fullmatch(r"(\d+)m", text)[1])


def expected(name, labels):
    """Return what promtool is to find: all labels, and the annotations with labels filled in."""
    rule = alerts()[name]
    labels = {"job": "bad", "instance": "b1"} | labels
    labels = {key: value for key, value in labels.items() if value is not None}

    def filled(text):
        return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)

    return {
        "exp_labels": labels | rule["labels"],
        "exp_annotations": {key: filled(text) for key, text in rule["annotations"].items()},
    }


def scenario(name):
    case = CASES[name]
    series = [
        {"series": key.replace("@", place), "values": values}
        for side, place in (("bad", BAD), ("good", GOOD))
        for key, values in case[side].items()
    ]
    fires = {"eval_time": f"{case['at']}m", "alertname": name}
    tests = [{**fires, "exp_alerts": [expected(name, case["labels"])]}]
    waits = minutes(alerts()[name].get("for", "0m"))
    if waits:
        tests.append({"eval_time": f"{waits - 1}m", "alertname": name, "exp_alerts": []})
    return {"interval": "1m", "input_series": series, "alert_rule_test": tests}


def test_promtool_takes_the_rules():
    code, told = promtool("check", "rules", str(RULES))

    assert code == 0, told
    assert f"{len(alerts())} rules found" in told


def test_every_alert_is_tried():
    assert set(CASES) == set(alerts())


@pytest.mark.parametrize("name", CASES)
def test_it_fires_for_what_is_wrong_and_for_nothing_else(name, tmp_path):
    given = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [scenario(name)]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(given))

    code, told = promtool("test", "rules", str(tmp_path / "test.yaml"))

    assert code == 0, told


def test_a_rule_that_does_not_fire_is_noticed(tmp_path):
    wrong = scenario("GatewrightFull") | {"input_series": []}
    given = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [wrong]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(given))

    code, told = promtool("test", "rules", str(tmp_path / "test.yaml"))

    assert code != 0
    assert "GatewrightFull" in told


@pytest.mark.parametrize("name", CASES)
def test_it_says_how_bad_it_is_what_it_is_and_what_to_do(name):
    rule = alerts()[name]
    page, _, heading = rule["annotations"]["runbook"].partition("#")

    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert heading == name.lower()
    assert heading in anchors((ROOT / page).read_text())
