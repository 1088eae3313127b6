"""Signatures."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

import pytest

from gatewright_events_webhook.signing import BadSigningSecret, Signer, signing_key

# The example that the Standard Webhooks libraries share.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

OTHER = "whsec_" + b64encode(b"another key of twenty-four").decode()


def test_the_published_example_of_standard_webhooks() -> None:
    headers = Signer(None, [SECRET]).headers(EVENT_ID, BODY, TIMESTAMP)

    assert headers == {"webhook-timestamp": "1614265330", "webhook-signature": SIGNATURE}


def test_a_plain_secret_is_the_key_as_it_is_written() -> None:
    headers = Signer("schlüssel").headers(EVENT_ID, BODY, TIMESTAMP)

    expected = hmac.new("schlüssel".encode(), BODY, hashlib.sha256).hexdigest()
    assert headers == {"X-Webhook-Signature": f"sha256={expected}"}


def test_a_known_signature_of_a_plain_secret() -> None:
    # echo -n '{"test": 2432232314}' | openssl dgst -sha256 -hmac topsecret
    headers = Signer("topsecret").headers(EVENT_ID, BODY, TIMESTAMP)

    assert headers["X-Webhook-Signature"] == (
        "sha256=6701ed89139e482094fa1b2106d8bc869a90bdc6d56cb4e20f50e6155d3cdaf5"
    )


def test_a_whsec_secret_signs_both_ways() -> None:
    headers = Signer(SECRET).headers(EVENT_ID, BODY, TIMESTAMP)

    literal = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert headers == {
        "X-Webhook-Signature": f"sha256={literal}",
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_secrets_being_rotated_each_sign_in_the_order_given() -> None:
    headers = Signer("plain", [OTHER, SECRET]).headers(EVENT_ID, BODY, TIMESTAMP)

    first, second = headers["webhook-signature"].split(" ")
    assert first.startswith("v1,")
    assert first != second
    assert second == SIGNATURE


def test_a_secret_named_twice_signs_once() -> None:
    headers = Signer(SECRET, [SECRET, SECRET + "="]).headers(EVENT_ID, BODY, TIMESTAMP)

    assert headers["webhook-signature"] == SIGNATURE


def test_without_secrets_there_is_no_signature() -> None:
    assert Signer(None).headers(EVENT_ID, BODY, TIMESTAMP) == {}


def test_missing_padding_is_forgiven() -> None:
    assert signing_key("whsec_YWJjZA") == signing_key("whsec_YWJjZA==") == b"abcd"


@pytest.mark.parametrize(
    "secret",
    ["whsec_", "whsec_=", "whsec_not base64!", "whsec_YWJj\n", "whsec_ä", "whsec_a", "YWJjZA=="],
)
def test_a_malformed_secret_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(BadSigningSecret) as refused:
        signing_key(secret)

    assert str(refused.value) == "must be whsec_ followed by base64"
    assert refused.value.args == ()


def test_a_signer_does_not_show_its_keys() -> None:
    assert "MfKQ9" not in repr(Signer(SECRET))
