"""Private keys of an operator's own: made, read, and used to sign tokens for trying things out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.warnings import InsecureKeyLengthWarning

from gatewright_auth_jwt.files import KeyFileError

__all__ = [
    "PrivateKey",
    "algorithm_of",
    "make_private_key",
    "private_pem",
    "public_pem",
    "read_private_key",
    "sign",
]

RSA_BITS: Final = 2048
RSA_EXPONENT: Final = 65_537

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)

_CURVES: Final[Mapping[str, Callable[[], ec.EllipticCurve]]] = {
    "ES256": ec.SECP256R1,
    "ES256K": ec.SECP256K1,
    "ES384": ec.SECP384R1,
    "ES512": ec.SECP521R1,
}
_BY_CURVE: Final = {make().name: name for name, make in _CURVES.items()}


def make_private_key(algorithm: str) -> PrivateKey:
    """Make a key for one of the RS, PS, ES and EdDSA algorithms. RSA takes some 0.1 s."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm]())
    return rsa.generate_private_key(public_exponent=RSA_EXPONENT, key_size=RSA_BITS)


def algorithm_of(key: PrivateKey) -> str | None:
    """Return the algorithm a key is used with where nobody says; ``None``: none known."""
    match key:
        case rsa.RSAPrivateKey():
            return "RS256"
        case ec.EllipticCurvePrivateKey():
            return _BY_CURVE.get(key.curve.name)
        case _:
            return "EdDSA"


def private_pem(key: PrivateKey) -> bytes:
    """Return the key as unencrypted PKCS #8."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(key: PrivateKey) -> bytes:
    """Return the public half of the key."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def read_private_key(path: Path) -> PrivateKey:
    """Read an unencrypted PEM private key.

    Raises:
        FileNotFoundError: There is no such file.
        KeyFileError: It cannot be read, or is no such key.
    """
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
        raise KeyFileError(path, why) from None
    except TypeError:
        why = "is encrypted; only unencrypted keys can be used"
        raise KeyFileError(path, why) from None
    except (ValueError, UnsupportedAlgorithm):
        why = "is not a PEM private key"
        raise KeyFileError(path, why) from None
    if not isinstance(key, PrivateKey):
        raise KeyFileError(path, "is a private key of a type that signs no tokens")
    return key


def sign(claims: Mapping[str, Any], key: PrivateKey | str, algorithm: str) -> str:
    """Return a signed token; ``key`` is a secret for the HS algorithms.

    Raises:
        jwt.PyJWTError: The key does not fit the algorithm.
        TypeError: The key is of another sort than the algorithm's.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)  # the gateway judges its key
        return jwt.encode(dict(claims), key, algorithm=algorithm)
