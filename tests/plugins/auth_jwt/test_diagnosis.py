"""What the doctor finds about the keys, each finding with its text and fix."""

import asyncio
import re
import time
from email.utils import formatdate

import anyio
import pytest
from tests.plugins.auth_jwt.support import (
    SECRET,
    answer,
    held,
    private_pem,
    public_jwk,
    public_pem,
)
from tests.support.certificates import Certificates
from tests.support.diagnosis import diagnosed

from gatewright import DiagnosisContext, Finding
from gatewright.testing.clock import FakeClock
from gatewright.testing.ports import free_port
from gatewright_auth_jwt import gatewright_auth

pytestmark = pytest.mark.anyio

CONTEXT = DiagnosisContext("jwt", "auth.jwt")


async def seen(context=CONTEXT, **options):
    return await diagnosed(gatewright_auth, context, **options)


def key_set(*keys, ahead=0.0):
    """Answer with a key set, as an issuer whose clock is ahead."""
    date = formatdate(time.time() + ahead, usegmt=True)
    return answer({"keys": list(keys)}, Date=date)


async def test_a_key_set_is_fetched(server):
    server.answer = key_set(public_jwk("RSA", kid="a"), public_jwk("ES256", kid="b"))

    findings = await seen(jwks_url=server.url, algorithms=["RS256", "ES256"])

    told = findings.pop("key set")
    assert told.status == "ok"
    assert re.fullmatch(rf"127\.0\.0\.1:{server.port} answered in \d+ ms", told.found)
    assert findings == {
        "keys": Finding.ok("keys", "2 usable, for RS256, ES256"),
        "clock": Finding.ok(
            "clock", f"the clock of 127.0.0.1:{server.port} agrees with this machine's"
        ),
    }


async def test_an_algorithm_without_a_key(server):
    server.answer = key_set(public_jwk("RSA"))

    findings = await seen(jwks_url=server.url, algorithms=["RS256", "ES256"])

    assert findings["keys"] == Finding.warning(
        "keys",
        "1 usable, for RS256; none for ES256",
        fix="take ES256 out of auth.jwt.algorithms, or publish such a key",
    )


@pytest.mark.parametrize(
    ("script", "why", "fix"),
    [
        (
            answer({"keys": []}),
            "the answer has no usable key for RS256",
            "name the algorithms of its keys in auth.jwt.algorithms",
        ),
        (answer({}, 404), "status 404", "mend the path in auth.jwt.jwks_url"),
        (
            answer(b"<html>"),
            "the answer is not JSON",
            "curl -v 127.0.0.1:{port}, or another auth.jwt.jwks_url",
        ),
    ],
)
async def test_a_key_set_that_cannot_be_used(server, script, why, fix):
    server.answer = script

    assert await seen(jwks_url=server.url) == {
        "key set": Finding.error(
            "key set", f"127.0.0.1:{server.port}: {why}", fix=fix.format(port=server.port)
        )
    }


async def test_an_issuer_that_does_not_answer_or_is_not_there(server):
    server.answer = held(anyio.Event(), answer({}))

    silent = (await seen(jwks_url=server.url))["key set"]
    absent = (await seen(jwks_url=f"http://127.0.0.1:{free_port()}/"))["key set"]

    assert silent.found == f"127.0.0.1:{server.port}: no whole answer within 3 s"
    assert (silent.status, absent.status) == ("error", "error")
    assert ": cannot connect: " in absent.found


async def test_a_certificate_of_an_authority_that_is_not_trusted(tmp_path):
    tls = Certificates.make(tmp_path).server_context()
    async with await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", ssl=tls
    ) as server:
        port = server.sockets[0].getsockname()[1]
        finding = (await seen(jwks_url=f"https://127.0.0.1:{port}/keys"))["key set"]

    assert finding.status == "error"
    assert finding.found.startswith(f"127.0.0.1:{port}: cannot connect: [SSL: CERTIFICATE_VERIFY")
    assert finding.fix == "export SSL_CERT_FILE=/path/of/its/authority.pem, for the gateway too"


async def test_an_issuer_whose_clock_is_ahead(server):
    server.answer = key_set(public_jwk("RSA"), ahead=60)

    told = (await seen(jwks_url=server.url))["clock"]
    tolerated = (await seen(jwks_url=server.url, leeway=120))["clock"]

    assert re.fullmatch(
        rf"the clock of 127\.0\.0\.1:{server.port} is (59|60) s ahead of this machine's",
        told.found,
    )
    assert (told.status, told.fix) == (
        "warning",
        "timedatectl set-ntp true, on both machines",
    )
    assert tolerated.status == "ok"


async def test_an_issuer_that_is_slow(server):
    class Slow(FakeClock):
        def monotonic(self):
            self.advance(2.0)
            return super().monotonic()

    server.answer = key_set(public_jwk("RSA"))
    context = DiagnosisContext("jwt", "auth.jwt", clock=Slow(wall=time.time()))

    assert (await seen(context, jwks_url=server.url))["key set"] == Finding.warning(
        "key set",
        f"127.0.0.1:{server.port} took 2.0 s; after 3 s it is given up",
        fix=f"curl -sS -o /dev/null -w '%{{time_total}}' {server.url}",
    )


async def test_a_key_file(tmp_path):
    path = tmp_path / "public.pem"
    path.write_text(public_pem("RSA"))

    assert await seen(public_key_file=str(path)) == {
        "keys": Finding.ok("keys", f"{path} serves RS256")
    }
    assert (await seen(public_key_file=str(path), algorithms=["ES256"]))["keys"] == Finding.error(
        "keys",
        f"{path} is a key of type RSA, which fits none of ES256",
        fix="put a public key there that fits, or mend auth.jwt.algorithms",
    )


async def test_a_key_file_that_is_not_there_or_no_key(tmp_path):
    path = tmp_path / "public.pem"
    absent = await seen(public_key_file=str(path))
    path.write_text(private_pem("RSA"))
    private = await seen(public_key_file=str(path))
    path.write_bytes(b"\xff\xfe")
    noise = await seen(public_key_file=str(path))

    assert absent["key file"] == Finding.error(
        "key file", f"{path} cannot be read: no such file or directory", fix=f"ls -l {path}"
    )
    assert private["keys"].found.startswith(f"{path} is a private key; give the public one")
    assert noise["key file"] == Finding.error("key file", f"{path} is not text", fix=f"file {path}")


async def test_a_secret_that_everybody_may_read(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o644)

    assert (await seen(public_key_file=str(path), algorithms=["HS256"]))["key file"] == (
        Finding.warning(
            "key file",
            f"everybody on this machine may read the secret in {path}",
            fix=f"chmod o-r {path}",
        )
    )
    path.chmod(0o640)

    assert "key file" not in await seen(public_key_file=str(path), algorithms=["HS256"])


async def test_a_secret_that_is_too_short():
    assert await seen(public_key="short", algorithms=["HS256"]) == {
        "keys": Finding.warning(
            "keys",
            "public_key: the secret has 5 bytes; HS256 wants 32",
            fix="openssl rand -base64 64, here and where tokens are signed",
        )
    }
