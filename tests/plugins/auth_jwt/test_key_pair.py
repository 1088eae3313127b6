import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from tests.plugins.auth_jwt.support import good_claims, private_key

from gatewright_auth_jwt.files import KeyFileError
from gatewright_auth_jwt.key_pair import (
    algorithm_of,
    make_private_key,
    private_pem,
    public_pem,
    read_private_key,
    sign,
)
from gatewright_auth_jwt.key_text import key_set_from_text


@pytest.mark.parametrize("algorithm", ["RS256", "PS512", "ES256", "ES256K", "ES512", "EdDSA"])
def test_a_made_key_survives_its_file_and_fits_its_algorithm(tmp_path, algorithm):
    path = tmp_path / "key.pem"
    path.write_bytes(private_pem(make_private_key(algorithm)))

    key = read_private_key(path)

    assert sign(good_claims(), key, algorithm).count(".") == 2
    assert key_set_from_text(public_pem(key).decode(), [algorithm]).algorithms == (algorithm,)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [("RSA", "RS256"), ("ES384", "ES384"), ("EdDSA", "EdDSA"), ("Ed448", "EdDSA"), ("P-192", None)],
)
def test_a_key_suggests_its_algorithm(key, algorithm):
    assert algorithm_of(private_key(key)) == algorithm


def written(key, encryption):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"hello", "is not a PEM private key"),
        (
            written(
                ec.generate_private_key(ec.SECP256R1()),
                serialization.BestAvailableEncryption(b"word"),
            ),
            "is encrypted; only unencrypted keys can be used",
        ),
        (
            written(dsa.generate_private_key(2048), serialization.NoEncryption()),
            "is a private key of a type that signs no tokens",
        ),
    ],
)
def test_a_file_that_cannot_sign_is_named(tmp_path, content, why):
    path = tmp_path / "key.pem"
    path.write_bytes(content)

    with pytest.raises(KeyFileError) as caught:
        read_private_key(path)

    assert str(caught.value) == f"{path}: {why}"


def test_a_folder_is_named_too(tmp_path):
    with pytest.raises(KeyFileError, match="cannot be read: Is a directory"):
        read_private_key(tmp_path)
