"""Real keys and tokens."""

from __future__ import annotations

import time
from functools import cache

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@cache
def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem():
    return (
        rsa_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def token(user="42", *, expires_in=300.0, key=None, algorithm="RS256", **claims):
    """Sign a token; a claim of ``None`` is left out."""
    payload = {"user_id": user, "exp": time.time() + expires_in, **claims}
    payload = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(payload, key or rsa_key(), algorithm)
