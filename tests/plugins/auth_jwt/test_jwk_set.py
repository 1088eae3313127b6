import base64

import pytest
from tests.plugins.auth_jwt.support import private_key, public_jwk

from gatewright_auth_jwt.jwk_set import key_set_from_jwks
from gatewright_auth_jwt.keys import UnusableKey

EVERY = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256")


def test_keys_are_found_by_algorithm_and_name():
    keys = key_set_from_jwks(
        {"keys": [public_jwk("RSA", kid="a"), public_jwk("RSA-other", kid="b")]}, ["RS256"]
    )

    (found,) = keys.find("RS256", "b")
    assert found.key.public_numbers() == private_key("RSA-other").public_key().public_numbers()
    assert keys.find("RS256", "c") == ()
    assert keys.find("PS256", "a") == ()


def test_without_a_name_every_key_of_the_algorithm_may_fit():
    keys = key_set_from_jwks(
        {"keys": [public_jwk("RSA", kid="a"), public_jwk("ES256"), public_jwk("RSA-other")]},
        ["RS256", "ES256"],
    )

    assert len(keys.find("RS256")) == 2
    assert len(keys.find("ES256")) == 1


def test_one_name_for_keys_of_several_types_is_no_confusion():
    keys = key_set_from_jwks(
        {"keys": [public_jwk("RSA", kid="a"), public_jwk("ES256", kid="a")]}, ["RS256", "ES256"]
    )

    assert [key.algorithm_name for key in keys.find("ES256", "a")] == ["ES256"]


def test_a_key_of_one_algorithm_serves_no_other():
    keys = key_set_from_jwks({"keys": [public_jwk("RSA", kid="a", alg="PS256")]}, EVERY)

    assert keys.algorithms == ("PS256",)


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "k": base64.urlsafe_b64encode(b"x" * 32).decode(), "kid": "a"},
        {"kty": "oct", "k": "eHh4", "alg": "RS256", "kid": "a"},
        public_jwk("RSA", use="enc"),
        public_jwk("RSA", key_ops=["encrypt"]),
        public_jwk("RSA", key_ops="verify"),
        public_jwk("RSA", alg="RSA-OAEP"),
        public_jwk("RSA", alg="none"),
        public_jwk("RSA", n=17),
        public_jwk("RSA", n="!"),
        public_jwk("RSA", n="A" * 5000),
        public_jwk("RSA-1024"),
        public_jwk("ES512"),
        {"kty": "RSA"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": ["P-256"], "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        "text",
        None,
    ],
)
def test_unusable_keys_are_ignored_one_by_one(entry):
    usable = public_jwk("ES256", kid="good")

    assert key_set_from_jwks({"keys": [entry, usable]}, EVERY).algorithms == ("ES256",)
    with pytest.raises(UnusableKey, match="has no usable key for RS256, PS256"):
        key_set_from_jwks({"keys": [entry]}, EVERY)


@pytest.mark.parametrize("document", [None, [], "keys", {}, {"keys": {}}, {"keys": "RSA"}])
def test_what_is_no_key_set_is_refused(document):
    with pytest.raises(UnusableKey, match="is not a JSON Web Key Set"):
        key_set_from_jwks(document, EVERY)


def test_private_members_are_left_behind():
    jwk = {**public_jwk("RSA", kid="a"), "d": "AQAB", "p": "AQAB"}

    (found,) = key_set_from_jwks({"keys": [jwk]}, ["RS256"]).find("RS256", "a")

    assert not hasattr(found.key, "private_numbers")


def test_a_flood_of_keys_is_cut_short():
    entries = [public_jwk("ES256", kid=str(number)) for number in range(100)]

    keys = key_set_from_jwks({"keys": entries}, ["ES256"])

    assert keys.find("ES256", "63")
    assert not keys.find("ES256", "64")
    assert len(keys.find("ES256")) == 4
