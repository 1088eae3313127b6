"""Every way to forge or break a token, and the one word that each is refused with."""

import hashlib
import hmac
import time
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plugins.auth_jwt.support import (
    SECRET,
    encoded,
    good_claims,
    private_key,
    public_jwk,
    public_pem,
    token,
)

from gatewright import AuthenticationError
from gatewright_auth_jwt.key_text import key_set_from_text
from gatewright_auth_jwt.settings import JwtSettings
from gatewright_auth_jwt.verifier import TokenVerifier

RS256 = {"alg": "RS256", "typ": "JWT"}


def verifier(key="RSA", algorithms=("RS256",), **options):
    """Return what checks a token with one key."""
    text = SECRET if algorithms[0].startswith("HS") else public_pem(key)
    chosen = JwtSettings.model_validate(
        {"algorithms": algorithms, "public_key_file": Path("unused"), **options}
    )
    return partial(TokenVerifier(chosen).claims, keys=key_set_from_text(text, algorithms))


def refusal(value, **options):
    with pytest.raises(AuthenticationError) as caught:
        verifier(**options)(value)
    assert type(caught.value) is AuthenticationError
    return caught.value.reason


def by_hand(header, claims, signature=b"x" * 256):
    return f"{encoded(header)}.{encoded(claims)}.{encoded(signature)}"


def hmac_signed(header, secret, digest=hashlib.sha256):
    signed = f"{encoded(header)}.{encoded(good_claims())}"
    return f"{signed}.{encoded(hmac.new(secret, signed.encode(), digest).digest())}"


def rs256_signed(payload):
    """Sign a payload that PyJWT would not."""
    signed = f"{encoded(RS256)}.{encoded(payload)}"
    signature = private_key("RSA").sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{encoded(signature)}"


def self_signed(header):
    """Sign with a key of one's own that the header offers for checking."""
    return token("RSA-other", header=header)


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", "RSA"),
        ("RS384", "RSA"),
        ("RS512", "RSA"),
        ("PS256", "RSA"),
        ("PS384", "RSA"),
        ("PS512", "RSA"),
        ("ES256", "ES256"),
        ("ES256K", "ES256K"),
        ("ES384", "ES384"),
        ("ES512", "ES512"),
        ("EdDSA", "EdDSA"),
        ("EdDSA", "Ed448"),
        ("HS256", ""),
        ("HS384", ""),
        ("HS512", ""),
    ],
)
def test_every_algorithm_checks_what_it_signed_and_nothing_else(algorithm, key):
    value = token(key, algorithm)
    checker = verifier(key, (algorithm,))

    assert checker(value)["user_id"] == "42"
    head, _, signature = value.split(".")
    with pytest.raises(AuthenticationError, match=r"^signature$"):
        checker(f"{head}.{encoded(good_claims(user_id='43'))}.{signature}")


@pytest.mark.parametrize(
    ("forged", "reason"),
    [
        (lambda: by_hand({"alg": "none"}, good_claims(), b""), "algorithm"),
        (lambda: by_hand({"alg": "None"}, good_claims(), b""), "algorithm"),
        (lambda: by_hand({"alg": ""}, good_claims()), "algorithm"),
        (lambda: by_hand({"alg": ["RS256"]}, good_claims()), "algorithm"),
        (lambda: by_hand({"typ": "JWT"}, good_claims()), "algorithm"),
        (lambda: hmac_signed({"alg": "HS256"}, public_pem("RSA").encode()), "algorithm"),
        (lambda: hmac_signed({"alg": "RS256"}, public_pem("RSA").encode()), "signature"),
        (lambda: token("RSA", "RS512"), "algorithm"),
        (lambda: token("RSA", "PS256"), "algorithm"),
        (lambda: token("ES256", "ES256"), "algorithm"),
        (lambda: token("RSA-other"), "signature"),
        (lambda: by_hand(RS256, good_claims()), "signature"),
        (lambda: by_hand(RS256, good_claims(), b""), "signature"),
        (lambda: self_signed({"jwk": public_jwk("RSA-other")}), "signature"),
        (lambda: self_signed({"jku": "http://127.0.0.1:1/keys"}), "signature"),
        (lambda: self_signed({"x5u": "http://127.0.0.1:1/cert"}), "signature"),
        (lambda: self_signed({"kid": "../../dev/null"}), "signature"),
        (lambda: self_signed({"kid": "http://127.0.0.1:1/"}), "signature"),
        (lambda: token(header={"kid": "x" * 129}), "malformed"),
        (lambda: by_hand({**RS256, "kid": {"a": 1}}, good_claims()), "malformed"),
        (lambda: by_hand({**RS256, "kid": None}, good_claims()), "malformed"),
        (lambda: by_hand({**RS256, "kid": 7}, good_claims()), "malformed"),
        (lambda: token(header={"crit": ["exp"], "exp": 1}), "malformed"),
        (lambda: by_hand({**RS256, "crit": ["b64"], "b64": False}, good_claims()), "malformed"),
        (lambda: by_hand({**RS256, "crit": ["b64"], "b64": True}, good_claims()), "malformed"),
        (lambda: by_hand({**RS256, "crit": []}, good_claims()), "malformed"),
        (lambda: by_hand({**RS256, "b64": False}, good_claims()), "malformed"),
    ],
)
def test_forged_tokens_are_refused(forged, reason):
    assert refusal(forged()) == reason


@pytest.mark.parametrize(
    "value",
    [
        "hello",
        ".",
        "..",
        "...",
        "a.b",
        "Basic dXNlcjp3b3Jk",
        "é.é.é",
        "\ud800",
        "\0",
        "x" * 16_385,
        by_hand("RS256", good_claims()),
        by_hand([RS256], good_claims()),
        by_hand(b"\xff\xfe", good_claims()),
        by_hand(b"[" * 4000, good_claims()),
        f"{encoded(RS256)}=====.{encoded({})}.{encoded(b'x')}",
    ],
)
def test_what_is_no_token_is_malformed(value):
    assert refusal(value) == "malformed"


@pytest.mark.parametrize(
    "payload",
    [b"[]", b"null", b'"text"', b"{", b"", b"\xff", b"[" * 4000, b'{"exp":' + b"9" * 5000 + b"}"],
)
def test_a_signed_payload_that_is_no_object_is_malformed(payload):
    assert refusal(rs256_signed(payload)) == "malformed"


NOW = time.time()
DAY = 86_400


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": NOW - 1}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": True}, "expired"),
        ({"exp": ...}, "no_exp"),
        ({"exp": None}, "no_exp"),
        ({"exp": "soon"}, "malformed"),
        ({"exp": {}}, "malformed"),
        ({"exp": float("nan")}, "malformed"),
        ({"exp": float("inf")}, "malformed"),
        ({"nbf": NOW + DAY}, "not_yet_valid"),
        ({"nbf": "later"}, "malformed"),
        ({"nbf": float("inf")}, "malformed"),
        ({"iat": NOW + DAY}, "not_yet_valid"),
        ({"iat": "then"}, "issued_at"),
    ],
)
def test_times_are_checked(claims, reason):
    assert refusal(token(**claims)) == reason


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW + DAY + 0.5},
        {"exp": str(int(NOW) + DAY)},
        {"exp": 10**400},
        {"exp": 1e308},
        {"nbf": NOW - 1, "iat": NOW - 1},
        {"sub": 42, "jti": 7},
        {"iss": "https://somebody.example", "aud": "somebody else"},
    ],
)
def test_claims_that_nobody_asked_about_do_not_refuse(claims):
    assert verifier()(token(**claims))["user_id"] == "42"


def test_leeway_stretches_all_times():
    checker = verifier(leeway=3 * DAY)

    assert checker(token(exp=NOW - DAY))
    assert checker(token(nbf=NOW + DAY, iat=NOW + DAY))
    assert refusal(token(exp=NOW - 4 * DAY), leeway=3 * DAY) == "expired"


def test_tokens_without_an_end_can_be_allowed():
    checker = verifier(require_exp=False)

    assert "exp" not in checker(token(exp=...))
    assert refusal(token(exp=NOW - 1), require_exp=False) == "expired"
    assert refusal(token(exp=None), require_exp=False) == "malformed"


@pytest.mark.parametrize(
    ("options", "claims"),
    [
        ({"issuer": "a"}, {"iss": "a"}),
        ({"issuer": ["a", "b"]}, {"iss": "b"}),
        ({"audience": "a"}, {"aud": "a"}),
        ({"audience": "a"}, {"aud": ["z", "a"]}),
        ({"audience": ["a", "b"]}, {"aud": "b"}),
    ],
)
def test_issuer_and_audience_that_match_are_accepted(options, claims):
    assert verifier(**options)(token(**claims))


@pytest.mark.parametrize(
    ("options", "claims", "reason"),
    [
        ({"issuer": "a"}, {}, "no_iss"),
        ({"issuer": "a"}, {"iss": "b"}, "issuer"),
        ({"issuer": "ab"}, {"iss": "a"}, "issuer"),
        ({"audience": "a"}, {}, "no_aud"),
        ({"audience": "a"}, {"aud": "b"}, "audience"),
        ({"audience": "ab"}, {"aud": "a"}, "audience"),
        ({"audience": "a"}, {"aud": []}, "no_aud"),
        ({"audience": "a"}, {"aud": [1, "a"]}, "audience"),
        ({"audience": "a"}, {"aud": {"a": 1}}, "audience"),
    ],
)
def test_issuer_and_audience_must_match_where_configured(options, claims, reason):
    assert refusal(token(**claims), **options) == reason


def test_an_issuer_that_is_no_text_does_not_match():
    assert refusal(rs256_signed(good_claims(iss=["a"])), issuer="a") == "issuer"


def test_a_short_secret_works_without_a_word_per_token():
    chosen = JwtSettings.model_validate({"algorithms": "HS256", "public_key": "short"})
    offered = hmac_signed({"alg": "HS256"}, b"short")

    assert TokenVerifier(chosen).claims(offered, key_set_from_text("short", ["HS256"]))


CHECKER = verifier()
texts = st.text(max_size=40) | st.from_regex(
    r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_=-]*"
)
parts = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]),
    st.none() | st.booleans() | st.integers() | st.just("RS256") | st.lists(st.text(), max_size=2),
)


@given(value=texts | parts.map(lambda header: by_hand(header, good_claims())))
@settings(max_examples=300, deadline=None)
def test_no_text_is_worse_than_refused(value):
    with pytest.raises(AuthenticationError):
        CHECKER(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(
    claims=st.dictionaries(
        st.sampled_from(["exp", "nbf", "iat", "iss", "aud", "sub", "jti"]), json_values
    )
)
@settings(max_examples=200, deadline=None)
def test_no_signed_claim_is_worse_than_refused(claims):
    checker = verifier(issuer="a", audience="a", require_exp=False)
    try:
        accepted = checker(rs256_signed(claims))
    except AuthenticationError:
        return
    assert accepted["iss"] == "a"
