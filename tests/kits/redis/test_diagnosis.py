"""What the doctor finds at real Redis servers, each finding with its text and fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.kits.redis.servers import command, one_node_cluster, sentinel_of, with_tls
from tests.support.certificates import Certificates
from tests.support.diagnosis import CONTEXT, found, statuses

from gatewright import DiagnosisContext, Finding
from gatewright.testing.brokers.redis_server import RedisServer
from gatewright.testing.clock import FakeClock
from gatewright.testing.ports import free_port
from gatewright_redis_kit import RedisNeeds, diagnose_redis

pytestmark = pytest.mark.anyio

STREAM = "ws.outbox"
NEEDS = RedisNeeds(
    commands=[
        ("XADD", STREAM, "*", "data", "x"),
        ("XREAD", "COUNT", "1", "STREAMS", STREAM, "$"),
        ("XINFO", "STREAM", STREAM),
    ],
    types={STREAM: "stream"},
    lasting="events that wait",
)


async def seen(
    dsn: str, needs: RedisNeeds = NEEDS, context: DiagnosisContext = CONTEXT
) -> dict[str, Finding]:
    return await found(diagnose_redis(SecretStr(dsn), needs, context))


def cli(server: RedisServer) -> str:
    return f"redis-cli -h 127.0.0.1 -p {server.port}"


async def test_all_is_well_and_nothing_is_left(redis: RedisServer) -> None:
    findings = await seen(redis.dsn)

    assert set(statuses(findings).values()) == {"ok"}
    assert list(findings) == [
        "reach",
        "clock",
        "version",
        "role",
        "eviction",
        "memory",
        "persistence",
        "rights",
        "stream",
    ]
    assert findings["reach"].found == f"127.0.0.1:{redis.port}/0 answers, and takes the login"
    assert findings["stream"].found == f"{STREAM} is not there yet; the first write makes it"
    assert await command(redis.port, "DBSIZE") == b":0\r\n"


async def test_a_stream_that_is_there_stays_as_it_is(redis: RedisServer) -> None:
    await command(redis.port, f"XADD {STREAM} 1-1 data x")

    assert (await seen(redis.dsn))["stream"] == Finding.ok("stream", f"{STREAM} is there")
    assert await command(redis.port, f"XLEN {STREAM}") == b":1\r\n"


async def test_a_key_of_another_type(redis: RedisServer) -> None:
    await command(redis.port, f"SET {STREAM} x")

    assert (await seen(redis.dsn))["stream"] == Finding.error(
        "stream",
        f"{STREAM} holds a string, not a stream",
        fix=f"{cli(redis)} rename {STREAM} {STREAM}.old, or another name in transports.acme",
    )


async def test_nobody_listens() -> None:
    port = free_port()

    assert await seen(f"redis://127.0.0.1:{port}") == {
        "reach": Finding.error(
            "reach",
            f"nothing listens at 127.0.0.1:{port}/0",
            fix=f"redis-cli -h 127.0.0.1 -p {port} ping",
        )
    }


async def test_a_name_that_is_not_known() -> None:
    assert await seen("redis://nowhere.invalid") == {
        "reach": Finding.error(
            "reach",
            "nowhere.invalid:6379/0: the name nowhere.invalid is not known here",
            fix="getent hosts nowhere.invalid, or another host in transports.acme.dsn",
        )
    }


async def test_a_server_that_stands_still(redis: RedisServer) -> None:
    redis.freeze()
    try:
        findings = await seen(redis.dsn)
    finally:
        redis.thaw()

    assert findings == {
        "reach": Finding.error(
            "reach",
            f"127.0.0.1:{redis.port}/0 does not answer in time",
            fix=f"{cli(redis)} ping",
        )
    }


async def test_a_wrong_password_and_none(redis: RedisServer) -> None:
    await command(redis.port, "ACL SETUSER bob on >right ~* +@all")
    await command(redis.port, "CONFIG SET requirepass right")

    wrong = await seen(f"redis://bob:guessed@127.0.0.1:{redis.port}")
    none = await seen(redis.dsn)

    assert wrong == {
        "login": Finding.error(
            "login",
            f"127.0.0.1:{redis.port}/0 refuses the password of user bob",
            fix=f"{cli(redis)} --user bob --askpass ping",
        )
    }
    assert none == {
        "login": Finding.error(
            "login",
            f"127.0.0.1:{redis.port}/0 wants a password, and the DSN has none",
            fix="write redis://:password@… in transports.acme.dsn",
        )
    }


async def test_rights_that_are_missing_are_named_and_granted(redis: RedisServer) -> None:
    await command(redis.port, "ACL SETUSER bob on >pw ~other +@all -xadd -xinfo")

    findings = await seen(f"redis://bob:pw@127.0.0.1:{redis.port}")

    assert findings["rights"] == Finding.error(
        "rights",
        f"user bob may not run xadd, xinfo, nor use {STREAM}",
        fix=f"{cli(redis)} acl setuser bob +xadd +xinfo '~{STREAM}'",
    )

    await command(redis.port, f"ACL SETUSER bob +xadd +xinfo ~{STREAM}")

    assert (await seen(f"redis://bob:pw@127.0.0.1:{redis.port}"))["rights"] == Finding.ok(
        "rights", "user bob may run all commands that are needed"
    )


async def test_rights_that_only_the_doctor_misses_are_warnings(redis: RedisServer) -> None:
    await command(redis.port, "ACL SETUSER bob on >pw ~* +@all -info -multi -type -config")

    findings = await seen(f"redis://bob:pw@127.0.0.1:{redis.port}")

    assert findings["server"] == Finding.warning(
        "server",
        "user bob may not run INFO: version, role and memory stay unknown",
        fix=f"{cli(redis)} acl setuser bob +info",
    )
    assert findings["rights"] == Finding.warning(
        "rights",
        "user bob may not run MULTI: whether it may run the others stays unknown",
        fix=f"{cli(redis)} acl setuser bob +multi +discard",
    )
    assert findings["stream"] == Finding.ok("stream", f"{STREAM} could not be looked at")


@pytest.mark.parametrize(
    ("policy", "expiring", "status", "text"),
    [
        ("noeviction", True, "ok", "noeviction: nothing is dropped for want of memory"),
        ("volatile-lru", False, "ok", "volatile-lru, which spares keys that do not expire"),
        (
            "volatile-lru",
            True,
            "warning",
            "volatile-lru: keys of the gateway may vanish when memory is short",
        ),
        (
            "allkeys-lru",
            False,
            "warning",
            "allkeys-lru: keys of the gateway may vanish when memory is short",
        ),
    ],
)
async def test_what_is_evicted(
    redis: RedisServer, policy: str, expiring: bool, status: str, text: str
) -> None:
    await command(redis.port, f"CONFIG SET maxmemory-policy {policy}")
    needs = RedisNeeds(commands=NEEDS.commands, types=NEEDS.types, expiring=expiring)

    finding = (await seen(redis.dsn, needs))["eviction"]

    fix = f"{cli(redis)} config set maxmemory-policy noeviction"
    assert finding == Finding(status, "eviction", text, fix if status == "warning" else "")  # type: ignore[arg-type]


async def test_memory_that_is_full(redis: RedisServer) -> None:
    await command(redis.port, "CONFIG SET maxmemory 1mb")

    findings = await seen(redis.dsn)

    assert findings["memory"].status == "warning"
    assert findings["memory"].found.endswith(" of 1 MiB used")
    assert findings["memory"].fix == f"{cli(redis)} config set maxmemory {2 * 1024 * 1024}"
    assert findings["writing"] == Finding.error(
        "writing",
        "the server refuses writes: OOM command not allowed when used memory > 'maxmemory'.",
        fix=f"{cli(redis)} config set maxmemory 0",
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ((), "none: a restart of Redis loses events that wait"),
        (
            ("--save", "60 1"),
            "snapshots alone: a crash of Redis loses the latest events that wait",
        ),
    ],
)
async def test_what_a_restart_loses(tmp_path: Path, options: tuple[str, ...], text: str) -> None:
    async with RedisServer.start(tmp_path / "redis", options=options) as server:
        findings = await seen(server.dsn)
        other = await seen(server.dsn, RedisNeeds(commands=NEEDS.commands, types=NEEDS.types))

    assert findings["persistence"] == Finding.warning(
        "persistence", text, fix=f"{cli(server)} config set appendonly yes"
    )
    assert "persistence" not in other


async def test_a_replica(redis: RedisServer, tmp_path: Path) -> None:
    options = ("--replicaof", f"127.0.0.1 {redis.port}")
    async with RedisServer.start(tmp_path / "replica", options=options) as replica:
        findings = await seen(replica.dsn)

    assert findings["role"] == Finding.error(
        "role",
        f"a replica of 127.0.0.1:{redis.port}, which takes no writes",
        fix=f"point the dsn at 127.0.0.1:{redis.port}; {cli(replica)} role",
    )
    assert findings["writing"].status == "error"
    assert findings["writing"].found.startswith("the server refuses writes: READONLY ")


async def test_a_version_that_is_too_old_or_lacks_something(redis: RedisServer) -> None:
    future = RedisNeeds(commands=NEEDS.commands, types=NEEDS.types, version=(99, 1))
    wish = RedisNeeds(
        commands=NEEDS.commands, types=NEEDS.types, better=((99, 1), "nothing is counted")
    )

    version = (await seen(redis.dsn))["version"].found
    old = (await seen(redis.dsn, future))["version"]
    usable = (await seen(redis.dsn, wish))["version"]

    fix = "upgrade Redis to 99.1 or newer"
    assert old == Finding.error("version", f"{version} is older than 99.1", fix=fix)
    assert usable == Finding.warning("version", f"{version}: nothing is counted", fix=fix)


async def test_clocks_that_differ(redis: RedisServer) -> None:
    clock = FakeClock()
    context = DiagnosisContext("acme", "transports.acme", clock=clock)

    finding = (await seen(redis.dsn, context=context))["clock"]

    assert (finding.status, finding.check) == ("warning", "clock")
    assert finding.found.startswith("the server's clock is ")
    assert finding.found.endswith(" s ahead of this machine's")
    assert finding.fix == "timedatectl set-ntp true, on both machines"


async def test_tls(tmp_path: Path) -> None:
    certificates = Certificates.make(tmp_path)
    async with with_tls(tmp_path / "redis", certificates) as port:
        good = await seen(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificates.authority}")
        unknown = await seen(f"rediss://127.0.0.1:{port}")
        plain = await seen(f"redis://127.0.0.1:{port}")
        missing = await seen(f"rediss://127.0.0.1:{port}?ssl_ca_certs=/missing.pem")

    assert good["reach"].status == good["rights"].status == "ok"
    assert unknown == {
        "tls": Finding.error(
            "tls",
            f"the certificate of 127.0.0.1:{port}/0 is not accepted: "
            "self-signed certificate in certificate chain",
            fix="add ?ssl_ca_certs=/path/of/its/authority.pem to transports.acme.dsn",
        )
    }
    assert plain == {
        "tls": Finding.error(
            "tls",
            f"127.0.0.1:{port}/0 closed the connection, as servers do that want TLS",
            fix="write rediss:// in transports.acme.dsn, or the port without TLS",
        )
    }
    assert missing == {
        "tls": Finding.error(
            "tls",
            "certificate file /missing.pem cannot be used: no such file or directory",
            fix="ls -l /missing.pem, or another path in transports.acme.dsn",
        )
    }


async def test_tls_to_a_server_that_speaks_none(redis: RedisServer) -> None:
    assert await seen(f"rediss://127.0.0.1:{redis.port}") == {
        "tls": Finding.error(
            "tls",
            f"127.0.0.1:{redis.port}/0 does not answer our TLS, as servers do that speak none",
            fix="write redis:// in transports.acme.dsn, or the TLS port",
        )
    }


async def test_a_cluster(tmp_path: Path) -> None:
    async with one_node_cluster(tmp_path / "redis") as server:
        findings = await seen(f"redis+cluster://127.0.0.1:{server.port}")

    assert (findings["reach"].status, findings["rights"].status) == ("ok", "ok")


async def test_sentinels(redis: RedisServer, tmp_path: Path) -> None:
    async with sentinel_of(redis, tmp_path / "sentinel") as port:
        findings = await seen(f"redis+sentinel://127.0.0.1:{port}/main")
        unknown = await seen(f"redis+sentinel://127.0.0.1:{port}/other")

    assert (findings["reach"].status, findings["rights"].status) == ("ok", "ok")
    assert unknown == {
        "reach": Finding.error(
            "reach",
            "the sentinels know no reachable master of other",
            fix=f"redis-cli -h 127.0.0.1 -p {port} sentinel masters, "
            "and the service's name in transports.acme.dsn",
        )
    }
