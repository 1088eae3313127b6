"""Credentials for ``gatewright dev``: a key pair below the state directory, made on first use."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from gatewright import Development
from gatewright_auth_jwt.files import write_new, write_over
from gatewright_auth_jwt.key_pair import (
    PrivateKey,
    make_private_key,
    private_pem,
    public_pem,
    read_private_key,
    sign,
)

__all__ = ["develop", "development_key"]

ALGORITHM: Final = "RS256"
VALID_SECONDS: Final = 12 * 3600


def develop(directory: Path) -> Development:
    """Make a key pair below ``directory``, or take the one that is there.

    Several gateways may start at once: all of them end up with the same key.

    Raises:
        KeyFileError: The key cannot be read, written or used.
    """
    key = _key(development_key(directory))
    public = development_key(directory).with_name("dev_public.pem")
    text = public_pem(key)
    if not public.exists() or public.read_bytes() != text:
        write_over(public, text, 0o644)

    def issue(user_id: str) -> str:
        now = int(time.time())
        claims = {"user_id": user_id, "iat": now, "exp": now + VALID_SECONDS}
        return sign(claims, key, ALGORITHM)

    return Development({"algorithms": [ALGORITHM], "public_key_file": str(public)}, issue)


def development_key(directory: Path) -> Path:
    """Return where the private key is, below a state directory."""
    return directory / "keys" / "dev_private.pem"


def _key(path: Path) -> PrivateKey:
    if not path.exists():
        write_new(path, private_pem(make_private_key(ALGORITHM)), 0o600)
    return read_private_key(path)
