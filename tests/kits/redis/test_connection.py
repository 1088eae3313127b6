"""Clients of every kind of Redis, against real ones."""

import time

import pytest
from pydantic import SecretStr
from redis.exceptions import AuthenticationError, RedisError
from tests.kits.redis.servers import command, one_node_cluster, sentinel_of, with_tls
from tests.support.certificates import Certificates

from gatewright import SystemClock
from gatewright_redis_kit import UNAVAILABLE, Connection, StreamReader, UnusableCertificates

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


def connection(dsn):
    return Connection.parse(SecretStr(dsn))


async def round_trip(where):
    """Read through both clients what one of them wrote."""
    commands = where.commands()
    reader = StreamReader(where, "s", clock=SystemClock(), block_seconds=0.2)
    try:
        await reader.resolve()
        for each in range(3):
            await commands.xadd("s", {"data": str(each)})
        read = []
        while len(read) < 3:
            read += [bytes(fields[1]) for _, fields in await reader.read()]
        await reader.read()
        await reader.read()
        return read, reader.gaps
    finally:
        await reader.close()
        await commands.aclose()


async def test_one_server(redis):
    assert await round_trip(connection(redis.dsn)) == ([b"0", b"1", b"2"], 0)


async def test_a_cluster(tmp_path):
    async with one_node_cluster(tmp_path / "redis") as server:
        where = connection(f"redis+cluster://127.0.0.1:{server.port}")

        assert await round_trip(where) == ([b"0", b"1", b"2"], 0)


async def test_a_master_that_a_sentinel_names(redis, tmp_path):
    async with sentinel_of(redis, tmp_path / "sentinel") as port:
        where = connection(f"redis+sentinel://127.0.0.1:1,127.0.0.1:{port}/main/0")

        assert await round_trip(where) == ([b"0", b"1", b"2"], 0)


async def test_a_service_no_sentinel_knows_is_unavailable(redis, tmp_path):
    async with sentinel_of(redis, tmp_path / "sentinel") as port:
        client = connection(f"redis+sentinel://127.0.0.1:{port}/other").commands()
        try:
            with pytest.raises(UNAVAILABLE):
                await client.ping()
        finally:
            await client.aclose()


async def test_tls_with_an_authority_of_ones_own(tmp_path, certificates):
    async with with_tls(tmp_path / "redis", certificates) as port:
        dsn = f"rediss://127.0.0.1:{port}"
        good = connection(f"{dsn}?ssl_ca_certs={certificates.authority}")
        good.check()
        unknown = connection(dsn).commands()
        try:
            assert await round_trip(good) == ([b"0", b"1", b"2"], 0)
            assert await round_trip(connection(f"{dsn}?ssl_cert_reqs=none&ssl_check_hostname=no"))
            with pytest.raises(UNAVAILABLE, match="certificate"):
                await unknown.ping()
        finally:
            await unknown.aclose()


@pytest.mark.parametrize("option", ["ssl_ca_certs", "ssl_certfile"])
def test_certificate_files_are_read_at_once(tmp_path, option):
    empty = tmp_path / "empty.pem"
    empty.write_text("")

    with pytest.raises(UnusableCertificates, match=r"none\.pem cannot be used: no such file"):
        connection(f"rediss://redis?{option}={tmp_path}/none.pem").check()
    with pytest.raises(UnusableCertificates, match=r"empty\.pem cannot be used: it holds no"):
        connection(f"rediss://redis?{option}={empty}").check()


async def test_an_acl_user_gets_in_and_a_wrong_password_does_not(redis):
    await command(redis.port, "ACL SETUSER gw on >pw ~* +@all")
    right = connection(f"redis://gw:pw@127.0.0.1:{redis.port}")
    wrong = connection(f"redis://gw:wp@127.0.0.1:{redis.port}").commands()

    assert await round_trip(right) == ([b"0", b"1", b"2"], 0)
    try:
        with pytest.raises(AuthenticationError) as caught:
            await wrong.ping()
    finally:
        await wrong.aclose()
    assert isinstance(caught.value, UNAVAILABLE)
    assert "wp" not in str(caught.value)


async def test_a_frozen_server_holds_no_command_beyond_its_timeout_and_none_is_done_twice(redis):
    client = connection(redis.dsn).commands(timeout=0.3)
    try:
        await client.xadd("s", {"n": "0"})
        redis.freeze()
        began = time.monotonic()
        with pytest.raises(RedisError):
            await client.xadd("s", {"n": "1"})
        assert time.monotonic() - began < 3
        redis.thaw()
        assert await client.xlen("s") <= 2
    finally:
        redis.thaw()
        await client.aclose()
