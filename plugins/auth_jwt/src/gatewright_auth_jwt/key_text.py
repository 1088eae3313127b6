"""Keys from a text that an operator gave: a PEM public key, a certificate, or a secret."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from gatewright_auth_jwt.keys import BoundKey, KeySet, UnusableKey, bind, fits

__all__ = ["key_set_from_text", "secret_weakness"]

_HASHES: Final = {
    "HS256": HMACAlgorithm.SHA256,
    "HS384": HMACAlgorithm.SHA384,
    "HS512": HMACAlgorithm.SHA512,
}


def key_set_from_text(text: str, algorithms: Collection[str]) -> KeySet:
    """Make the keys of a PEM public key, a PEM certificate or, for HS algorithms, a secret.

    Args:
        text: What the operator gave. A PEM whose line breaks are written as backslash and n, as in
            many environment files, is understood.
        algorithms: The configured algorithms, all of them HS or none.

    Raises:
        UnusableKey: It serves none of the algorithms.
    """
    if any(name in _HASHES for name in algorithms):
        return KeySet(_from_secret(text, algorithms), named=False)
    jwk = _public_jwk(_load_public(text.replace("\\n", "\n").strip().encode()))
    keys = tuple(bind(None, jwk, name) for name in algorithms if fits(jwk, name))
    if not keys:
        found = jwk.get("crv") or jwk["kty"]
        why = f"is a key of type {found}, which fits none of {', '.join(algorithms)}"
        raise UnusableKey(why)
    return KeySet(keys, named=False)


def secret_weakness(text: str, algorithms: Collection[str]) -> str | None:
    """Say which HS algorithm a secret is too short for (RFC 7518, 3.2), if any."""
    length = len(text.encode())
    for name in algorithms:
        if name in _HASHES and length < _HASHES[name]().digest_size:
            return f"the secret has {length} bytes; {name} wants {_HASHES[name]().digest_size}"
    return None


class _JudgedSecret(HMACAlgorithm):
    """HMAC with a secret that was judged when it was loaded, so that no token judges it again."""

    def prepare_key(self, key: str | bytes) -> bytes:
        return key if isinstance(key, bytes) else key.encode()

    def check_key_length(self, key: bytes) -> None:  # noqa: ARG002 # warned about once, at start
        return None


def _from_secret(text: str, algorithms: Collection[str]) -> Iterable[BoundKey]:
    secret = text.encode()
    _refuse_asymmetric(secret)
    member = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    for name in algorithms:
        key = PyJWK({"kty": "oct", "k": member}, algorithm=name)
        key.Algorithm = _JudgedSecret(_HASHES[name])
        yield BoundKey(None, key)


def _refuse_asymmetric(secret: bytes) -> None:
    """Refuse what everybody may know: with a public key as the secret, anyone can forge tokens."""
    if not secret:
        why = "is empty"
        raise UnusableKey(why)
    if b"-----BEGIN" in secret or _is_key(secret) or _is_key(_from_base64(secret)):
        why = "is an asymmetric key or certificate, which no HS algorithm may use as its secret"
        raise UnusableKey(why)


def _is_key(secret: bytes) -> bool:
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret or b"nothing")
    except InvalidKeyError:
        return True
    return False


def _from_base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return b""


def _load_public(pem: bytes) -> object:
    if b"PRIVATE KEY-----" in pem:
        why = "is a private key; give the public one, which is all that checking tokens needs"
        raise UnusableKey(why)
    try:
        if b"-----BEGIN CERTIFICATE-----" in pem:
            return x509.load_pem_x509_certificate(pem).public_key()
        return load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        why = "is not a PEM public key or certificate"
        raise UnusableKey(why) from None


def _public_jwk(key: object) -> Mapping[str, Any]:
    try:
        match key:
            case rsa.RSAPublicKey():
                return RSAAlgorithm.to_jwk(key, as_dict=True)
            case ec.EllipticCurvePublicKey():
                return ECAlgorithm.to_jwk(key, as_dict=True)
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                return OKPAlgorithm.to_jwk(key, as_dict=True)
    except InvalidKeyError:  # a curve that no algorithm uses
        pass
    why = "is a public key of a type that no algorithm uses"
    raise UnusableKey(why)
