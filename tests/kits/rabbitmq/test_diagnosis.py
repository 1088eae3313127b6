"""What the doctor finds at a real RabbitMQ, each finding with its text and fix."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.support.certificates import Certificates
from tests.support.diagnosis import CONTEXT, found, statuses

from gatewright import Finding
from gatewright.testing.brokers.rabbitmq_server import RabbitServer, VirtualHost
from gatewright.testing.ports import free_port
from gatewright_rabbitmq_kit import Broker, Link, RabbitNeeds, diagnose_rabbitmq

pytestmark = pytest.mark.anyio

NEEDS = RabbitNeeds(
    exchanges={"ex": "direct"},
    queues=["qu", "dlq"],
    bindings=[("qu", "ex")],
    consumes=["qu"],
    publishes=["ex", ""],
)
PATTERN = r"'^(amq\.default|dlq|ex|qu)$'"


async def seen(dsn: str, needs: RabbitNeeds = NEEDS) -> dict[str, Finding]:
    return await found(diagnose_rabbitmq(SecretStr(dsn), needs, CONTEXT))


def at(dsn: str) -> str:
    """Return host, port and virtual host of a DSN."""
    return dsn.rpartition("@")[2]


@asynccontextmanager
async def talking(vhost: VirtualHost) -> AsyncIterator[Link]:
    async with Broker(SecretStr(vhost.dsn), name="test").session() as link:
        yield link


async def names(server: RabbitServer, vhost: VirtualHost) -> str:
    """Return all queues, bindings, and exchanges that are not the broker's own."""
    queues = await server.ctl("list_queues", "-p", vhost.name, "name", "messages")
    bindings = await server.ctl("list_bindings", "-p", vhost.name)
    exchanges = await server.ctl("list_exchanges", "-p", vhost.name, "name")
    own = [line for line in exchanges.splitlines() if line and not line.startswith("amq.")]
    return f"{queues}{bindings}{own}"


@asynccontextmanager
async def user(
    server: RabbitServer, vhost: VirtualHost, name: str, *rights: str
) -> AsyncIterator[str]:
    """Make a user with the rights to configure, write and read; yield its DSN."""
    given = ", ".join(f'<<"{right}">>' for right in rights)
    script = f'rabbit_auth_backend_internal:add_user(<<"{name}">>, <<"pw">>, <<"test">>)'
    if rights:
        script += (
            f', rabbit_auth_backend_internal:set_permissions(<<"{name}">>, <<"{vhost.name}">>, '
            f'{given}, <<"test">>)'
        )
    await server.ctl("eval", f"{script}.")
    try:
        yield vhost.dsn.replace("guest:guest@", f"{name}:pw@")
    finally:
        await server.ctl("delete_user", name)


async def test_all_is_well_and_nothing_is_left(
    rabbitmq_server: RabbitServer, rabbitmq: VirtualHost
) -> None:
    before = await names(rabbitmq_server, rabbitmq)

    findings = await seen(rabbitmq.dsn)

    assert set(statuses(findings).values()) == {"ok"}
    assert list(findings) == [
        "reach",
        "version",
        "heartbeat",
        "queue",
        "exchange",
        "rights",
        "alarm",
    ]
    assert findings["reach"].found == f"{at(rabbitmq.dsn)} answers, and takes the login"
    assert findings["queue"].found == "qu is not there yet; the gateway makes it"
    assert findings["exchange"].found == "ex is not there yet; the gateway makes it"
    assert findings["rights"].found == "user guest may do all that is needed"
    assert await names(rabbitmq_server, rabbitmq) == before


async def test_what_is_there_stays_as_it_is(
    rabbitmq_server: RabbitServer, rabbitmq: VirtualHost
) -> None:
    async with talking(rabbitmq) as link, link.passing_channel() as channel:
        await channel.queue_declare("qu", durable=True)
        await channel.exchange_declare("ex", exchange_type="direct", durable=True)
        await channel.queue_bind("qu", "ex", "key")
        await channel.basic_publish(b"x", routing_key="qu")
    before = await names(rabbitmq_server, rabbitmq)

    findings = await seen(rabbitmq.dsn)

    assert set(statuses(findings).values()) == {"ok"}
    assert findings["queue"].found == "qu is there, 1 messages wait, 0 consumers"
    assert findings["exchange"].found == "ex is there"
    assert await names(rabbitmq_server, rabbitmq) == before


async def test_an_exchange_of_another_type(rabbitmq: VirtualHost) -> None:
    async with talking(rabbitmq) as link, link.passing_channel() as channel:
        await channel.exchange_declare("ex", exchange_type="topic", durable=True)

    assert (await seen(rabbitmq.dsn))["exchange"] == Finding.error(
        "exchange",
        "ex is of type topic, not direct",
        fix="delete exchange ex, or name another in transports.acme.exchange",
    )


async def test_a_queue_that_a_restart_loses(rabbitmq: VirtualHost) -> None:
    async with talking(rabbitmq) as link, link.passing_channel() as channel:
        await channel.queue_declare("qu", durable=False)

    assert (await seen(rabbitmq.dsn))["queue"] == Finding.warning(
        "queue",
        "qu is not durable: a restart of the broker loses it",
        fix=f"rabbitmqctl delete_queue -p {rabbitmq.name} qu: the gateway makes it again, durable",
    )


async def test_a_queue_that_another_connection_holds_for_itself(rabbitmq: VirtualHost) -> None:
    async with talking(rabbitmq) as link, link.passing_channel() as channel:
        await channel.queue_declare("qu", exclusive=True)

        finding = (await seen(rabbitmq.dsn))["queue"]

    assert finding == Finding.error(
        "queue",
        "qu belongs to another connection alone",
        fix=f"rabbitmqctl list_queues -p {rabbitmq.name} name owner_pid",
    )


async def test_a_wrong_password(rabbitmq: VirtualHost) -> None:
    dsn = rabbitmq.dsn.replace("guest:guest@", "guest:guessed@")

    assert await seen(dsn) == {
        "login": Finding.error(
            "login",
            f"{at(dsn)} refuses the password of user guest",
            fix="rabbitmqctl authenticate_user guest, and the password in transports.acme.dsn",
        )
    }


async def test_no_such_virtual_host_and_none_for_this_user(
    rabbitmq_server: RabbitServer, rabbitmq: VirtualHost
) -> None:
    absent = rabbitmq_server.dsn + "absent"

    assert await seen(absent) == {
        "virtual host": Finding.error(
            "virtual host",
            f"{at(absent)} has no virtual host absent, or user guest has no permissions there",
            fix="rabbitmqctl list_permissions -p absent",
        )
    }
    async with user(rabbitmq_server, rabbitmq, "eve") as dsn:
        finding = (await seen(dsn))["virtual host"]

    assert finding.fix == f"rabbitmqctl list_permissions -p {rabbitmq.name}"


async def test_rights_that_are_missing_are_named(
    rabbitmq_server: RabbitServer, rabbitmq: VirtualHost
) -> None:
    async with user(rabbitmq_server, rabbitmq, "bob", "^ex$", "^qu$", "^dlq$") as dsn:
        findings = await seen(dsn)

    assert findings["rights"] == Finding.error(
        "rights",
        "user bob may not declare queue qu, queue dlq, nor bind qu to ex, nor consume qu, "
        "nor publish to or read ex, nor publish to amq.default",
        fix="rabbitmqctl list_user_permissions bob, and add to them: rabbitmqctl set_permissions "
        f"-p {rabbitmq.name} bob {PATTERN} {PATTERN} {PATTERN}",
    )
    assert "alarm" not in findings


async def test_the_rights_of_the_fix_are_enough(
    rabbitmq_server: RabbitServer, rabbitmq: VirtualHost
) -> None:
    given = PATTERN.strip("'").replace("\\", "\\\\")
    async with user(rabbitmq_server, rabbitmq, "bob", given, given, given) as dsn:
        findings = await seen(dsn)

    assert set(statuses(findings).values()) == {"ok"}


async def test_what_is_there_need_not_be_declared(
    rabbitmq_server: RabbitServer, rabbitmq: VirtualHost
) -> None:
    async with talking(rabbitmq) as link, link.passing_channel() as channel:
        await channel.queue_declare("qu", durable=True)
        await channel.queue_declare("dlq", durable=True)
        await channel.exchange_declare("ex", exchange_type="direct", durable=True)
    async with user(rabbitmq_server, rabbitmq, "bob", "^$", ".*", ".*") as dsn:
        findings = await seen(dsn)

    assert findings["rights"] == Finding.ok("rights", "user bob may do all that is needed")


async def _short_of_memory(server: RabbitServer, limit: tuple[str, ...], *, alarmed: bool) -> None:
    """Set how much memory is too much, and wait until the broker has noticed."""
    await server.ctl("set_vm_memory_high_watermark", *limit)
    while ("memory" in await server.ctl("eval", "rabbit_alarm:get_alarms().")) is not alarmed:
        pass


async def test_an_alarm_that_is_in_force(
    rabbitmq_server: RabbitServer, rabbitmq: VirtualHost
) -> None:
    await _short_of_memory(rabbitmq_server, ("absolute", "1MB"), alarmed=True)
    try:
        findings = await seen(rabbitmq.dsn)
    finally:
        await _short_of_memory(rabbitmq_server, ("0.9",), alarmed=False)

    assert findings["alarm"] == Finding.error(
        "alarm",
        "the broker takes no messages: an alarm of memory or disk is in force",
        fix="rabbitmq-diagnostics alarms",
    )


@pytest.mark.parametrize(
    ("seconds", "status", "text"),
    [
        (10, "ok", "every 10 s"),
        (0, "warning", "none: a broker that went away silently is noticed late"),
        (600, "warning", "every 600 s: proxies may end a connection that is silent for longer"),
    ],
)
async def test_heartbeats(rabbitmq: VirtualHost, seconds: int, status: str, text: str) -> None:
    finding = (await seen(f"{rabbitmq.dsn}?heartbeat={seconds}"))["heartbeat"]

    fix = "leave heartbeat out of transports.acme.dsn: it is 10 seconds then"
    assert (finding.status, finding.found) == (status, text)
    assert finding.fix == ("" if status == "ok" else fix)


async def test_a_version_that_is_too_old(rabbitmq: VirtualHost) -> None:
    now = (await seen(rabbitmq.dsn))["version"].found

    assert (await seen(rabbitmq.dsn, RabbitNeeds(version=(99, 1))))["version"] == Finding.error(
        "version", f"{now} is older than 99.1", fix="upgrade RabbitMQ to 99.1 or newer"
    )


async def test_nobody_listens_and_no_such_name() -> None:
    port = free_port()

    assert await seen(f"amqp://127.0.0.1:{port}/") == {
        "reach": Finding.error(
            "reach", f"nothing listens at 127.0.0.1:{port}/", fix=f"nc -vz 127.0.0.1 {port}"
        )
    }
    assert await seen("amqp://nowhere.invalid/") == {
        "reach": Finding.error(
            "reach",
            "nowhere.invalid:5672/: the name nowhere.invalid is not known here",
            fix="getent hosts nowhere.invalid, or another host in transports.acme.dsn",
        )
    }


async def test_a_broker_that_stands_still(rabbitmq_server: RabbitServer) -> None:
    rabbitmq_server.freeze()
    try:
        findings = await seen(rabbitmq_server.dsn)
    finally:
        rabbitmq_server.thaw()

    port = rabbitmq_server.port
    assert findings == {
        "reach": Finding.error(
            "reach", f"127.0.0.1:{port}/ does not answer in time", fix=f"nc -vz 127.0.0.1 {port}"
        )
    }


async def test_tls(tmp_path: Path) -> None:
    certificates = Certificates.make(tmp_path)
    port = free_port()
    config = (
        f"listeners.ssl.1 = 127.0.0.1:{port}\n"
        f"ssl_options.cacertfile = {certificates.authority}\n"
        f"ssl_options.certfile = {certificates.server}\n"
        f"ssl_options.keyfile = {certificates.server}\n"
    )
    async with RabbitServer.start(tmp_path / "rabbitmq", config=config) as server:
        good = await seen(f"amqps://127.0.0.1:{port}/?cafile={certificates.authority}")
        unknown = await seen(f"amqps://127.0.0.1:{port}/")
        plain = await seen(f"amqp://127.0.0.1:{port}/")
        crossed = await seen(f"amqps://127.0.0.1:{server.port}/")
        missing = await seen(f"amqps://127.0.0.1:{port}/?cafile=/missing.pem")

    assert set(statuses(good).values()) == {"ok"}
    assert unknown == {
        "tls": Finding.error(
            "tls",
            f"the certificate of 127.0.0.1:{port}/ is not accepted: "
            "self-signed certificate in certificate chain",
            fix="add ?cafile=/path/of/its/authority.pem to transports.acme.dsn",
        )
    }
    assert plain == {
        "tls": Finding.error(
            "tls",
            f"127.0.0.1:{port}/ closed the connection, as brokers do that want TLS",
            fix="write amqps:// in transports.acme.dsn, or the port without TLS",
        )
    }
    assert crossed == {
        "tls": Finding.error(
            "tls",
            f"127.0.0.1:{server.port}/ does not speak TLS with us: wrong version number",
            fix="write amqp:// in transports.acme.dsn, or the port with TLS",
        )
    }
    assert missing == {
        "tls": Finding.error(
            "tls",
            "certificate file /missing.pem cannot be used: no such file or directory",
            fix="ls -l /missing.pem, or another path in transports.acme.dsn",
        )
    }
