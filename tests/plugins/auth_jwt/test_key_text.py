import base64
import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from tests.plugins.auth_jwt.support import SECRET, private_key, private_pem, public_jwk, public_pem

from gatewright_auth_jwt.key_text import key_set_from_text, secret_weakness
from gatewright_auth_jwt.keys import UnusableKey


def certificate(name):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.example")])
    today = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private_key(name).public_key())
        .serial_number(1)
        .not_valid_before(today)
        .not_valid_after(today + dt.timedelta(days=1))
        .sign(private_key(name), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )


def public_bytes(name, encoding, form):
    return private_key(name).public_key().public_bytes(encoding, form)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        ("RSA", "RS256"),
        ("RSA", "PS512"),
        ("ES256", "ES256"),
        ("ES256K", "ES256K"),
        ("ES384", "ES384"),
        ("ES512", "ES512"),
        ("EdDSA", "EdDSA"),
        ("Ed448", "EdDSA"),
    ],
)
def test_a_public_key_serves_its_algorithm(key, algorithm):
    (found,) = key_set_from_text(public_pem(key), [algorithm]).find(algorithm)

    assert found.algorithm_name == algorithm


def test_one_rsa_key_serves_all_configured_rsa_algorithms_and_no_other():
    keys = key_set_from_text(public_pem("RSA"), ["RS256", "PS256", "ES256"])

    assert keys.algorithms == ("RS256", "PS256")


def test_a_certificate_is_taken_for_its_public_key():
    assert key_set_from_text(certificate("ES256"), ["ES256"]).algorithms == ("ES256",)


def test_line_breaks_of_environment_files_are_understood():
    text = public_pem("RSA").replace("\n", "\\n")

    assert key_set_from_text(text, ["RS256"]).algorithms == ("RS256",)


@pytest.mark.parametrize(
    ("text", "algorithm", "why"),
    [
        (private_pem("RSA"), "RS256", "is a private key; give the public one"),
        (public_pem("RSA-1024"), "RS256", "is an RSA key of 1024 bits; at least 2048"),
        (public_pem("RSA"), "ES256", "is a key of type RSA, which fits none of ES256"),
        (public_pem("ES384"), "ES256", "is a key of type P-384, which fits none of ES256"),
        (public_pem("P-192"), "ES256", "is a public key of a type that no algorithm uses"),
        (public_pem("X25519"), "EdDSA", "is a public key of a type that no algorithm uses"),
        ("hello", "RS256", "is not a PEM public key or certificate"),
        ("", "RS256", "is not a PEM public key or certificate"),
        (public_pem("RSA")[:-60], "RS256", "is not a PEM public key or certificate"),
        ("", "HS256", "is empty"),
    ],
)
def test_an_unusable_key_says_why_without_showing_any_of_it(text, algorithm, why):
    with pytest.raises(UnusableKey) as caught:
        key_set_from_text(text, [algorithm])

    assert str(caught.value).startswith(why)
    assert "MII" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        public_pem("RSA"),
        private_pem("RSA"),
        public_pem("EdDSA"),
        certificate("RSA"),
        "-----BEGIN PUBLIC KEY-----",
        public_bytes(
            "RSA", serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        ).decode(),
        base64.b64encode(
            public_bytes(
                "RSA", serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ).decode(),
        str(public_jwk("RSA")).replace("'", '"'),
    ],
    ids=["public", "private", "ed25519", "certificate", "broken", "ssh", "base64 DER", "JWK"],
)
def test_a_key_that_others_may_know_is_no_secret(text):
    with pytest.raises(UnusableKey, match="which no HS algorithm may use as its secret"):
        key_set_from_text(text, ["HS256"])


def test_a_secret_is_taken_as_it_is_written():
    (found,) = key_set_from_text("c2VjcmV0", ["HS384"]).find("HS384")

    assert found.key == b"c2VjcmV0"


@pytest.mark.parametrize(
    ("secret", "algorithms", "weakness"),
    [
        ("short", ["HS256"], "the secret has 5 bytes; HS256 wants 32"),
        ("x" * 40, ["HS256", "HS512"], "the secret has 40 bytes; HS512 wants 64"),
        (SECRET, ["HS256", "HS384", "HS512"], None),
        ("any text", ["RS256"], None),
    ],
)
def test_short_secrets_are_told(secret, algorithms, weakness):
    assert secret_weakness(secret, algorithms) == weakness
