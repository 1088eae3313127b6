"""Signatures: the vectors of Standard Webhooks, the gateway's own header, and what is neither."""

import hmac
import itertools
import time

import pytest

from gatewright_events_webhook.signing import Signer
from gatewright_sdk.errors import ConfigurationError
from gatewright_sdk.events import verify

# The vector that the specification's reference libraries share.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
PAYLOAD = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="

HEADERS = {
    "webhook-id": EVENT_ID,
    "webhook-timestamp": str(TIMESTAMP),
    "webhook-signature": SIGNATURE,
}


def standard(headers, payload=PAYLOAD, secrets=(SECRET,), **options):
    return verify(headers, payload, secrets=secrets, **options)


@pytest.fixture
def at(monkeypatch):
    """Set the time."""

    def at(seconds):
        monkeypatch.setattr(time, "time", lambda: float(seconds))

    at(TIMESTAMP)
    return at


def test_the_vector_is_genuine(at):
    assert standard(HEADERS)


@pytest.mark.parametrize("name", HEADERS)
def test_each_header_is_needed(at, name):
    assert not standard({key: value for key, value in HEADERS.items() if key != name})
    assert not standard(HEADERS | {name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", EVENT_ID + "x"),
        ("webhook-timestamp", str(TIMESTAMP + 1)),
        ("webhook-timestamp", "hello"),
        ("webhook-timestamp", "9" * 5000),
        ("webhook-timestamp", "-1"),
        ("webhook-timestamp", "١٦١٤٢٦٥٣٣٠"),
        ("webhook-signature", OTHER),
        ("webhook-signature", SIGNATURE[:8]),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v1"),
        ("webhook-signature", SIGNATURE.replace("v1", "v2")),
        ("webhook-signature", SIGNATURE.removeprefix("v1,")),
        ("webhook-signature", "v1,dawfeoifkpqwoekfpqoekf"),
        ("webhook-signature", "v1,!!!"),
        ("webhook-signature", "v1,\udcff é \N{SNOWMAN}"),
    ],
)
def test_what_was_changed_is_refused(at, name, value):
    assert not standard(HEADERS | {name: value})


def test_another_body_is_refused(at):
    assert not standard(HEADERS, PAYLOAD + b" ")


def test_one_of_several_signatures_suffices(at):
    signatures = [OTHER, OTHER.replace("v1", "v2"), SIGNATURE, OTHER]

    assert standard(HEADERS | {"webhook-signature": " ".join(signatures)})
    assert standard(HEADERS | {"webhook-signature": "  ".join(signatures) + " "})


def test_more_signatures_than_anybody_sends_are_refused(at):
    assert standard(HEADERS | {"webhook-signature": " ".join([OTHER] * 31 + [SIGNATURE])})
    assert not standard(HEADERS | {"webhook-signature": " ".join([OTHER] * 32 + [SIGNATURE])})


@pytest.mark.parametrize("direction", [1, -1])
def test_the_tolerance_goes_in_both_directions(at, direction):
    at(TIMESTAMP + direction * 300)
    assert standard(HEADERS)
    assert not standard(HEADERS, tolerance_seconds=299)
    at(TIMESTAMP + direction * 301)
    assert not standard(HEADERS)


@pytest.mark.parametrize(
    "headers",
    [
        {name.title(): value for name, value in HEADERS.items()},
        {name.upper().encode(): value.encode() for name, value in HEADERS.items()},
        list(HEADERS.items()),
        [(name.encode(), value.encode()) for name, value in HEADERS.items()],
        iter(HEADERS.items()),
    ],
    ids=["title", "bytes", "pairs", "pairs of bytes", "iterator"],
)
def test_headers_come_in_any_form(at, headers):
    assert standard(headers)


def test_of_a_repeated_header_the_first_counts(at):
    assert standard([*HEADERS.items(), ("Webhook-Signature", OTHER)])
    assert not standard([("Webhook-Signature", OTHER), *HEADERS.items()])


def test_secrets_are_rotated(at):
    new = "whsec_" + "QUJD" * 8
    for secrets in itertools.permutations([new, SECRET, "a plain one"]):
        assert standard(HEADERS, secrets=secrets)
    assert not standard(HEADERS, secrets=[new])


def plain(secret, body=PAYLOAD):
    digest = hmac.digest(secret.encode(), body, "sha256").hex()
    return {"X-Webhook-Signature": f"sha256={digest}"}


@pytest.mark.parametrize("secret", ["a secret", "sécret ☃", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_the_plain_header_is_keyed_with_the_text(secret):
    assert verify(plain(secret), PAYLOAD, secrets=["old", secret])
    assert not verify(plain(secret), PAYLOAD, secrets=["old"])
    assert not verify(plain(secret), PAYLOAD + b" ", secrets=[secret])


@pytest.mark.parametrize("value", ["", "sha256=", "sha256=é", "0" * 64, "sha256=" + "0" * 64])
def test_a_plain_header_that_is_none_is_refused(value):
    assert not verify({"X-Webhook-Signature": value}, PAYLOAD, secrets=["a secret"])
    assert not verify({}, PAYLOAD, secrets=["a secret"])


def test_a_dated_secret_is_not_satisfied_by_the_header_that_can_be_repeated(at):
    assert not verify(plain(SECRET), PAYLOAD, secrets=[SECRET])
    assert verify(HEADERS | plain(SECRET), PAYLOAD, secrets=[SECRET])
    at(TIMESTAMP + 1000)
    assert not verify(HEADERS | plain(SECRET), PAYLOAD, secrets=[SECRET])


@pytest.mark.parametrize("secret", ["a secret", SECRET, SECRET.replace("w\n", "") + "="])
def test_what_the_gateway_signs_is_genuine(secret):
    headers = Signer(secret, [SECRET]).headers("e1", PAYLOAD, int(time.time()))

    assert verify({"Webhook-Id": "e1", **headers}, PAYLOAD, secrets=[secret])
    assert verify({"Webhook-Id": "e1", **headers}, PAYLOAD, secrets=[SECRET])


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ([], "at least one is needed"),
        (["a", ""], r"secrets\[1\]: must be a text that is not empty"),
        (["whsec_!"], r"secrets\[0\]: begins with whsec_, so base64 must follow"),
        (["whsec_"], r"secrets\[0\]: begins with whsec_"),
        ("text", "must be a list of texts"),
    ],
)
def test_secrets_that_cannot_be_used(secrets, said):
    with pytest.raises(ConfigurationError, match=said):
        verify({}, b"", secrets=secrets)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_tolerance_that_is_none(seconds):
    with pytest.raises(ConfigurationError, match="tolerance_seconds"):
        verify({}, b"", secrets=["a"], tolerance_seconds=seconds)


def test_each_secret_and_signature_is_compared_whatever_the_first_says(at, monkeypatch):
    compared = []

    def compare(one, other):
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert standard(HEADERS | {"webhook-signature": f"{SIGNATURE} {OTHER}"}, secrets=[SECRET, "x"])
    assert len(compared) == 2, "one key, two signatures; no X-Webhook-Signature"
