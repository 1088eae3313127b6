"""Forged, stolen and misplaced tokens, against a gateway with an RS256 key."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from tests.support.gateway import gateway
from tests.support.raw import close_frame, dial, exchange, misbehaving, upgrade
from tests.support.survival import counted, survived
from tests.support.tokens import public_pem, rsa_key, token
from websockets.asyncio.client import connect

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def running(tmp_path_factory):
    directory = tmp_path_factory.mktemp("gateway")
    (directory / "public.pem").write_bytes(public_pem())
    sections = (
        f"auth: {{jwt: {{public_key_file: '{directory}/public.pem', issuer: us, "
        "audience: [a, b]}}\nlogging: {format: json, level: debug}"
    )
    async with gateway(directory, sections) as started:
        yield started


def part(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(**changes):
    good = {"user_id": "42", "exp": time.time() + 300, "iss": "us", "aud": "a", **changes}
    return {name: value for name, value in good.items() if value is not None}


def other_header(**header):
    """Give a well-signed token another header, as its holder could not."""
    return f"{part({'alg': 'RS256', **header})}.{signed().partition('.')[2]}"


def hmac_signed(header, secret):
    """Sign as HS256 by hand: libraries refuse to use a public key so."""
    signed = f"{part(header)}.{part(claims())}"
    mac = hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{part(mac)}"


def unsigned(algorithm):
    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims())}."


def signed(header=None, **changes):
    """Sign as RS256 by hand: libraries refuse to write some of what is forged here."""
    return signed_bytes({"alg": "RS256", **(header or {})}, json.dumps(claims(**changes)).encode())


def signed_bytes(header, payload):
    text = f"{part(header)}.{part(payload)}"
    return f"{text}.{part(rsa_key().sign(text.encode(), PKCS1v15(), SHA256()))}"


FORGED = {
    "the public key as a secret": lambda: hmac_signed({"alg": "HS256"}, public_pem()),
    "the same without its last line break": lambda: hmac_signed(
        {"alg": "HS256"}, public_pem().strip()
    ),
    "an empty secret": lambda: hmac_signed({"alg": "HS256"}, b""),
    "RS256 in words, HS256 in truth": lambda: hmac_signed({"alg": "RS256"}, public_pem()),
    "none": lambda: unsigned("none"),
    "None": lambda: unsigned("None"),
    "nOnE": lambda: unsigned("nOnE"),
    "RS256 unsigned": lambda: unsigned("RS256"),
    "another algorithm of the same key": lambda: jwt.encode(claims(), rsa_key(), "RS512"),
    "the same key with PSS": lambda: jwt.encode(claims(), rsa_key(), "PS256"),
    "a list of algorithms": lambda: signed({"alg": ["RS256"]}),
    "no algorithm": lambda: signed({"alg": None}),
    "crit": lambda: signed({"crit": ["b64"], "b64": False}),
    "no end": lambda: signed(exp=None),
    "an end in words": lambda: signed(exp="tomorrow"),
    "an end at infinity": lambda: signed(exp=float("inf")),
    "ended": lambda: signed(exp=time.time() - 1),
    "not begun": lambda: signed(nbf=time.time() + 300),
    "another issuer": lambda: signed(iss="them"),
    "no issuer": lambda: signed(iss=None),
    "issuers in a list": lambda: signed(iss=["us"]),
    "another audience": lambda: signed(aud="c"),
    "no audience": lambda: signed(aud=None),
    "another signature": lambda: f"{head_and_claims(signed())}.{last_of(signed(user_id='43'))}",
    "other claims": lambda: f"{head_and_claims(signed(user_id='1'))}.{last_of(signed())}",
    "four parts": lambda: signed() + ".x",
    "a number as kid": lambda: signed({"kid": 7}),
    "a long kid": lambda: signed({"kid": "k" * 129}),
    "larger than 16 KiB": lambda: "a" * 8000 + "." + "b" * 8000 + "." + "c" * 100,
    "no base64": lambda: "!!!.???.---",
    "deep claims": lambda: signed_bytes({"alg": "RS256"}, b"[" * 5000),
    "a deep header": lambda: f"{part(b'[' * 5000)}.{part(claims())}.x",
    "claims that are no object": lambda: signed_bytes({"alg": "RS256"}, b'"42"'),
    "an empty user": lambda: signed(user_id=""),
    "a user with a line break": lambda: signed(user_id="a\r\nX-Evil: 1"),
    "a user with half a surrogate pair": lambda: signed(user_id="\ud800"),
}


def head_and_claims(text):
    return text.rpartition(".")[0]


def last_of(text):
    return text.rpartition(".")[2]


async def close_of(running, offered):
    async with connect(
        running.url, additional_headers={"Authorization": f"Bearer {offered}"}
    ) as client:
        async with asyncio.timeout(5):
            await client.wait_closed()
        return client.close_code, client.close_reason


@pytest.mark.parametrize("kind", FORGED)
async def test_a_forged_token_is_refused_like_every_other(running, kind):
    forged = FORGED[kind]()
    async with counted(running, "gatewright_handshakes_total", result="refused"):
        assert await close_of(running, forged) == (4401, "")
    assert await running.metric("gatewright_connections") == 0
    await survived(running, forged, "X-Evil")


@pytest.mark.parametrize(
    "kid", ["../../../../dev/null", "' or 1=1 --", "http://127.0.0.1:1/", "a\r\nX-Evil: 1\x00", ""]
)
async def test_a_kid_is_a_name_and_nothing_else(running, kid):
    offered = signed({"kid": kid})  # one key in a file serves whatever a token calls it
    async with connect(f"{running.url}?token={offered}") as client:
        await client.send('{"type":"ping"}')
        assert await client.recv() == '{"type":"pong"}'
    await survived(running, offered, "X-Evil", "or 1=1")


async def test_the_good_one_gets_in(running):
    async with connect(f"{running.url}?token={signed(aud=['x', 'b'])}") as client:
        await client.send('{"type":"ping"}')
        assert await client.recv() == '{"type":"pong"}'


@pytest.mark.parametrize("field", ["jku", "x5u", "jwk"])
async def test_a_token_names_no_key_of_its_own(running, field):
    asked = []

    async def steal(reader, _writer):
        asked.append(await reader.read(100))

    async with misbehaving(steal) as port:
        url = f"http://127.0.0.1:{port}/keys"
        own = {"kty": "oct", "k": part(b"secret" * 8)} if field == "jwk" else url
        offered = jwt.encode(claims(), "secret" * 8, "HS256", headers={field: own, "kid": url})
        assert await close_of(running, offered) == (4401, "")
        assert await close_of(running, other_header(**{field: own})) == (4401, "")
    assert asked == []


async def test_refusals_are_the_same_bytes_whatever_the_reason(running):
    answers = set()
    for offered in ("", "x", signed(exp=1), signed(aud="c"), unsigned("none"), signed(user_id="")):
        reader, writer = await dial(running.host)
        writer.write(upgrade("/ws", f"Authorization: Bearer {offered}\r\n".encode()))
        head = await reader.readuntil(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"date")]
        answers.add((tuple(lines), await close_frame(reader)))
        writer.transport.abort()
    assert len(answers) == 1
    assert next(iter(answers))[1] == (4401, "")


async def test_neither_cookies_nor_referers_nor_other_headers_authenticate(running):
    good = signed()
    headers = (
        f"Cookie: token={good}; access_token={good}\r\nReferer: http://x/?token={good}\r\n"
        f"X-Token: {good}\r\nProxy-Authorization: Bearer {good}\r\nX-Api-Key: {good}\r\n"
    )
    answer = await exchange(running.host, upgrade("/ws", headers.encode()))
    assert answer.startswith(b"HTTP/1.1 101")
    assert answer.endswith(b"\x88\x02\x11\x31")  # close, 4401
    await survived(running, good)


@pytest.fixture(scope="module")
async def strict(tmp_path_factory):
    """A gateway that takes tokens from headers only, and browsers from one origin."""
    directory = tmp_path_factory.mktemp("gateway")
    (directory / "public.pem").write_bytes(public_pem())
    sections = (
        f"auth: {{jwt: {{public_key_file: '{directory}/public.pem', tokens: [header]}}}}\n"
        "server: {bind: '127.0.0.1:0', allowed_origins: ['https://app.example.com']}"
    )
    async with gateway(directory, sections) as started:
        yield started


async def test_a_token_in_the_query_can_be_forbidden(strict):
    for url in (f"{strict.url}?token={token()}", f"{strict.url}?access_token={token()}"):
        async with connect(url) as client:
            await client.wait_closed()
            assert client.close_code == 4401
    headers = {"Authorization": f"Bearer {token()}"}
    async with connect(strict.url, additional_headers=headers) as client:
        await client.send('{"type":"ping"}')
        assert await client.recv() == '{"type":"pong"}'


ORIGINS = [
    [b"https://app.example.com.evil.example"],
    [b"https://evil.example/https://app.example.com"],
    [b"https://app.example.com@evil.example"],
    [b"https://app.example.com:443"],
    [b"https://app.example.com."],
    [b"https://app.example.com/"],
    [b"https://APP.example.com"],
    [b"https://evil-app.example.com"],
    [b"http://app.example.com"],
    [b"null"],
    [b""],
    [b"*"],
    [b"https://app.example.com", b"https://evil.example"],
    [b"https://app.example.com, https://evil.example"],
    [b"https://app.example.com\xff"],
]


@pytest.mark.parametrize("origins", ORIGINS)
async def test_only_the_allowed_origin_itself_is_let_in(strict, origins):
    good = f"Authorization: Bearer {token()}\r\n".encode()
    lines = b"".join(b"Origin: %b\r\n" % origin for origin in origins)
    async with counted(strict, "gatewright_handshakes_total", result="origin"):
        answer = await exchange(strict.host, upgrade("/ws", good + lines))
    assert answer.startswith(b"HTTP/1.1 403")
    await survived(strict, token())
