"""What the core looks at itself, each finding with its text and fix."""

import asyncio
import datetime as dt
import os
import resource
import shutil
import socket
from importlib import metadata

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.support.gateway import gateway

from gatewright.cli.doctor import driver, machine
from gatewright.cli.doctor.addresses import look_at_addresses
from gatewright.cli.doctor.certificate import look_at_certificate
from gatewright.config.settings import CoreSettings
from gatewright.plugin.diagnosis import Finding
from gatewright.server.drivers.choice import NotUsable
from gatewright.testing.ports import free_port

pytestmark = pytest.mark.anyio


async def seen(look, **sections):
    core = CoreSettings.model_validate(sections)
    return [finding async for finding in look(core)]


async def one(look, **sections):
    (finding,) = await seen(look, **sections)
    return finding


@pytest.fixture
def hard_limit(monkeypatch):
    """Make the limit of open files whatever a test wants; raising a real one takes root."""

    def make(hard):
        monkeypatch.setattr(resource, "getrlimit", lambda _which: (256, hard))

    return make


@pytest.mark.parametrize(
    ("hard", "wanted", "finding"),
    [
        (
            65_536,
            60_000,
            Finding.ok(
                "open files", "the hard limit of this shell is 65536: room for 65408 connections"
            ),
        ),
        (
            1024,
            None,
            Finding.warning(
                "open files",
                "the hard limit of this shell is 1024: room for 896 connections",
                fix="LimitNOFILE=65536 in the systemd unit, or: ulimit -n 65536",
            ),
        ),
        (
            4096,
            50_000,
            Finding.error(
                "open files",
                "the hard limit of this shell is 4096: room for 3968 connections, "
                "and limits.connections is 50000",
                fix="LimitNOFILE=50128 in the systemd unit, or: ulimit -n 50128",
            ),
        ),
        (resource.RLIM_INFINITY, 50_000, Finding.ok("open files", "no limit")),
    ],
)
async def test_open_files_are_compared_with_the_connections(hard_limit, hard, wanted, finding):
    hard_limit(hard)

    assert await one(machine.look_at_open_files, limits={"connections": wanted}) == finding


@pytest.mark.parametrize(
    ("interval", "status", "found"),
    [
        (25, "ok", "a ping every 25 s"),
        (
            60,
            "warning",
            "a ping every 60 s; nginx and AWS load balancers end connections silent for 60 s",
        ),
        (0, "warning", "no pings: clients that went away silently are never noticed"),
    ],
)
async def test_pings_are_compared_with_what_proxies_wait(interval, status, found):
    finding = await one(machine.look_at_keepalive, keepalive={"interval_seconds": interval})

    assert (finding.status, finding.found) == (status, found)
    assert finding.fix == ("" if status == "ok" else "set keepalive.interval_seconds: 25")


async def test_uvloop_is_missed(monkeypatch):
    def version(_name):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", version)

    finding = await one(machine.look_at_python)

    assert finding.status == "warning"
    assert finding.found.endswith(" without uvloop, which serves more with the same CPU")
    assert finding.fix == "pip install 'gatewright[uvloop]'"


async def test_the_state_directory_has_room(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))

    finding = await one(machine.look_at_state_directory)

    assert finding.status == "ok"
    assert finding.found.startswith(f"{tmp_path / 'state'}, to be made, ")


async def test_the_state_directory_is_full(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    usage = shutil.disk_usage(tmp_path)._replace(free=7 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    assert await one(machine.look_at_state_directory) == Finding.warning(
        "state directory",
        f"{tmp_path}, 7 MiB free",
        fix=f"df -h {tmp_path} and make room: dead letters are kept there",
    )


async def test_the_state_directory_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)  # root may write anywhere

    finding = await one(machine.look_at_state_directory)

    user = finding.found.rpartition(" ")[2]
    assert finding.found == f"{tmp_path} cannot be written by {user}"
    assert finding.fix == f"sudo install -d -o {user} {tmp_path}"


@pytest.mark.parametrize(
    ("named", "found"),
    [("gw-1", "gw-1, from the file"), (None, "made of the host's name at each start")],
)
async def test_the_nodes_name(named, found):
    assert await one(machine.look_at_node_id, server={"node_id": named}) == Finding.ok(
        "node id", found
    )


@pytest.mark.parametrize(
    ("setting", "status", "found"),
    [
        ("auto", "warning", "plain ASGI will carry the sockets: no luck"),
        ("direct", "error", "direct cannot be used: no luck"),
        ("asgi", "ok", "asgi, as the file says"),
    ],
)
async def test_a_driver_that_cannot_be_used(monkeypatch, setting, status, found):
    async def fails():
        message = "no luck"
        raise NotUsable(message)

    monkeypatch.setattr(driver, "try_direct", fails)

    finding = await one(driver.look_at_driver, server={"socket_driver": setting})

    assert (finding.status, finding.found) == (status, found)
    assert finding.fix == ("" if status == "ok" else "pip install --force-reinstall gatewright")


async def test_the_direct_driver_is_tried():
    assert await one(driver.look_at_driver) == Finding.ok(
        "socket driver", "direct, echoed a message to itself"
    )


def certificate(folder, begins, ends):
    """Write a certificate with its key; return both paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gatewright.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=begins))
        .not_valid_after(now + dt.timedelta(days=ends, minutes=30))
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"cert{ends}.pem", folder / f"key{ends}.pem"
    paths[0].write_bytes(made.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


@pytest.mark.parametrize(
    ("begins", "ends", "status", "found"),
    [
        (-1, 90, "ok", "ends in 90 days"),
        (-1, 3, "warning", "ends in 3 days"),
        (-9, -3, "error", "certificate has expired"),
        (3, 90, "error", "certificate is not yet valid"),
    ],
)
async def test_a_certificate_ends(tmp_path, begins, ends, status, found):
    path, key = certificate(tmp_path, begins, ends)

    finding = await one(look_at_certificate, server={"tls": {"certificate": path, "key": key}})

    assert (finding.status, finding.check) == (status, "certificate")
    assert finding.found in {f"{path} {found}", f"{path}: {found}"}
    assert finding.fix == ("" if status == "ok" else f"renew {path}, then restart the gateway")


async def test_a_certificate_and_the_key_of_another(tmp_path):
    path, _ = certificate(tmp_path, -1, 90)
    _, key = certificate(tmp_path, -1, 80)

    assert await one(
        look_at_certificate, server={"tls": {"certificate": path, "key": key}}
    ) == Finding.error(
        "certificate",
        f"{key} is not the key of {path}",
        fix=f"compare: openssl pkey -in {key} -pubout; openssl x509 -in {path} -noout -pubkey",
    )


async def test_a_certificate_that_is_none_or_not_there(tmp_path):
    _, key = certificate(tmp_path, -1, 90)
    missing = tmp_path / "missing.pem"
    noise = tmp_path / "noise.pem"
    noise.write_text("noise")

    absent = await one(look_at_certificate, server={"tls": {"certificate": missing, "key": key}})
    broken = await one(look_at_certificate, server={"tls": {"certificate": noise, "key": key}})

    assert (absent.found, absent.fix) == (
        f"{missing}: no such file or directory",
        f"ls -l {missing}",
    )
    assert (broken.found, broken.fix) == (
        f"{noise} and {key} hold no usable PEM",
        f"openssl x509 -in {noise} -noout -subject",
    )


async def test_without_tls_there_is_no_certificate():
    assert await seen(look_at_certificate) == []


async def addresses(**server):
    return {each.check: each for each in await seen(look_at_addresses, server=server)}


async def test_a_free_port_stays_free():
    bind = f"127.0.0.1:{free_port()}"

    found = await addresses(bind=bind)

    assert found == {
        "server.bind": Finding.ok("server.bind", f"{bind} is free"),
        "internal": Finding.ok(
            "internal", f"/internal and /metrics are on {bind}, this machine alone"
        ),
    }
    assert await addresses(bind=bind) == found


async def test_a_port_that_another_program_holds():
    async def mute(_reader, writer):
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await addresses(bind=f"127.0.0.1:{port}")

    assert found["server.bind"] == Finding.error(
        "server.bind",
        f"127.0.0.1:{port} is taken by another program",
        fix=f"ss -ltnp 'sport = :{port}'",
    )


async def test_an_address_that_is_not_of_this_machine():
    found = await addresses(bind="192.0.2.1:8180")

    assert found["server.bind"] == Finding.error(
        "server.bind",
        "192.0.2.1:8180 cannot be bound: cannot assign requested address",
        fix="ip addr, and an address of this machine in server.bind",
    )


async def test_a_port_that_another_node_holds(tmp_path):
    port = free_port()
    internal = free_port()
    server = f'{{bind: "127.0.0.1:{port}", internal_bind: "127.0.0.1:{internal}", node_id: gw-1}}'
    async with gateway(tmp_path, f"server: {server}"):
        binds = {"bind": f"127.0.0.1:{port}", "internal_bind": f"127.0.0.1:{internal}"}
        own = await addresses(**binds, node_id="gw-1")
        anybody = await addresses(**binds)
        other = await addresses(**binds, node_id="gw-2")

    assert own["server.internal_bind"] == Finding.ok(
        "server.internal_bind", f"127.0.0.1:{internal} is held by a running gateway, node gw-1"
    )
    assert anybody == own
    assert other["server.bind"] == Finding.error(
        "server.bind",
        f"127.0.0.1:{port} is held by a gateway that is another node, gw-1",
        fix=f"ss -ltnp 'sport = :{port}'",
    )


async def test_a_port_that_a_gateway_holds_with_tls(tmp_path):
    port = free_port()
    path, key = certificate(tmp_path, -1, 90)
    tls = f"{{certificate: {path}, key: {key}}}"
    server = f'{{bind: "127.0.0.1:{port}", node_id: gw-1, tls: {tls}}}'
    async with gateway(tmp_path, f"server: {server}"):
        found = await addresses(
            bind=f"127.0.0.1:{port}", tls={"certificate": path, "key": key}, node_id="gw-1"
        )

    assert found["server.bind"] == Finding.ok(
        "server.bind", f"127.0.0.1:{port} is held by a running gateway, node gw-1"
    )


async def test_a_unix_socket_is_looked_at_and_not_made(tmp_path):
    path = tmp_path / "gw.sock"

    free = await addresses(bind=f"unix:{path}")
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(str(path))
        stale = await addresses(bind=f"unix:{path}")
    nowhere = await addresses(bind=f"unix:{tmp_path}/none/gw.sock")

    assert free["server.bind"] == Finding.ok("server.bind", f"unix:{path} is free")
    assert stale == free
    assert nowhere["server.bind"] == Finding.error(
        "server.bind",
        f"unix:{tmp_path}/none/gw.sock cannot be bound: no such file or directory",
        fix=f"ls -ld {tmp_path}/none",
    )


async def test_a_unix_socket_that_a_gateway_holds(tmp_path):
    path = tmp_path / "gw.sock"
    async with gateway(tmp_path, f'server: {{bind: "unix:{path}", node_id: gw-1}}'):
        found = await addresses(bind=f"unix:{path}")

    assert found["server.bind"] == Finding.ok(
        "server.bind", f"unix:{path} is held by a running gateway, node gw-1"
    )


async def test_internal_where_clients_connect():
    shared = f"0.0.0.0:{free_port()}"
    own = f"10.0.0.1:{free_port()}"

    assert (await addresses(bind=shared))["internal"] == Finding.warning(
        "internal",
        f"/internal and /metrics are on {shared}, where clients connect",
        fix="set server.internal_bind: 127.0.0.1:8181",
    )
    assert (await addresses(bind=shared, internal_bind=own))["internal"] == Finding.ok(
        "internal", f"/internal and /metrics are on {own}, apart from clients"
    )
