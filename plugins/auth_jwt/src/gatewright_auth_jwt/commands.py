"""The commands ``gatewright token`` and ``gatewright keys``."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, get_args

import jwt
import typer

from gatewright import OperatorError, is_subject, is_user_id, state_directory
from gatewright_auth_jwt.development import development_key
from gatewright_auth_jwt.files import KeyFileError, write_new, write_over
from gatewright_auth_jwt.key_pair import (
    PrivateKey,
    algorithm_of,
    make_private_key,
    private_pem,
    public_pem,
    read_private_key,
    sign,
)
from gatewright_auth_jwt.settings import SigningAlgorithm

__all__ = ["UsageError", "keys", "token"]

ALGORITHMS: Final[tuple[str, ...]] = get_args(SigningAlgorithm)
PAIRS: Final = tuple(name for name in ALGORITHMS if not name.startswith("HS"))


class UsageError(OperatorError):
    """An option has a value that cannot be used.

    Attributes:
        option: Which, as typed: ``--claim``.
        why: What is the matter, and what to do.
    """

    def __init__(self, option: str, why: str) -> None:
        self.option, self.why = option, why
        super().__init__(option, why)

    def __str__(self) -> str:
        return f"{self.option}: {self.why}"


def token(
    *,
    user: Annotated[str, typer.Option("--user", "-u", help="The user id the token is for.")],
    key: Annotated[
        Path | None,
        typer.Option(help="PEM private key. [default: the one that 'gatewright dev' made]"),
    ] = None,
    algorithm: Annotated[
        str | None, typer.Option(help="Signature algorithm. [default: the key's]")
    ] = None,
    secret_env: Annotated[
        str | None,
        typer.Option(help="Sign with the secret in this environment variable (HS algorithms)."),
    ] = None,
    claim: Annotated[
        list[str] | None,
        typer.Option(help="A further claim, name=value; the value is JSON, else text. Repeatable."),
    ] = None,
    subject: Annotated[
        list[str] | None, typer.Option(help="A further subject to listen to. Repeatable.")
    ] = None,
    expires: Annotated[
        int, typer.Option(help="Seconds the token is valid; negative: expired already.")
    ] = 3600,
    claim_name: Annotated[str, typer.Option(help="The claim for the user id.")] = "user_id",
    subjects_claim: Annotated[str, typer.Option(help="The claim for --subject.")] = "subjects",
) -> None:
    """Print a signed token for trying things out."""
    if not is_user_id(user):
        _refuse("--user", "must be 1 to 512 bytes without control characters")
    now = int(time.time())
    claims: dict[str, Any] = {claim_name: user, "iat": now, "exp": now + expires}
    if subject:
        claims[subjects_claim] = _subjects(subject)
    claims |= dict(_claim(text) for text in claim or ())
    if secret_env is not None:
        typer.echo(_with_secret(claims, secret_env, algorithm or "HS256"))
    else:
        typer.echo(_with_key(claims, key, algorithm))


def keys(
    *,
    out: Annotated[
        Path, typer.Option(help="Folder for private.pem and public.pem; made where missing.")
    ] = Path("keys"),
    algorithm: Annotated[
        str, typer.Option(help=f"What the keys are for: {', '.join(PAIRS)}.")
    ] = "RS256",
    force: Annotated[bool, typer.Option("--force", help="Overwrite keys that are there.")] = False,
) -> None:
    """Make a key pair: a private key to sign tokens with, and the public one for the gateway."""
    if algorithm not in PAIRS:
        _refuse("--algorithm", f"{algorithm!r} has no key pair; use one of {', '.join(PAIRS)}")
    pair = make_private_key(algorithm)
    private, public = out / "private.pem", out / "public.pem"
    if force:
        write_over(private, private_pem(pair), 0o600)
    elif public.exists() or not write_new(private, private_pem(pair), 0o600):
        there = public if public.exists() else private
        raise KeyFileError(there, "is there already; use --force to overwrite it")
    write_over(public, public_pem(pair), 0o644)
    typer.echo(f"private key: {private}\npublic key:  {public}")


def _subjects(subjects: list[str]) -> list[str]:
    for subject in subjects:
        if not is_subject(subject):
            _refuse("--subject", "must be 1 to 1,024 bytes without control characters")
    return subjects


def _claim(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        _refuse("--claim", f"{text!r} is not of the form name=value")
    try:
        return name, json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return name, value


def _no_number(constant: str) -> NoReturn:
    raise ValueError(constant)


def _with_secret(claims: dict[str, Any], variable: str, algorithm: str) -> str:
    secret = os.environ.get(variable)
    if not secret:
        _refuse("--secret-env", f"environment variable {variable} is not set")
    if not algorithm.startswith("HS") or algorithm not in ALGORITHMS:
        _refuse("--algorithm", f"{algorithm!r} takes no secret; use HS256, HS384 or HS512")
    return _signed(claims, secret, algorithm)


def _with_key(claims: dict[str, Any], path: Path | None, algorithm: str | None) -> str:
    where = path or development_key(state_directory())
    try:
        key = read_private_key(where)
    except FileNotFoundError:
        hint = "" if path else "; start 'gatewright dev' once, which makes it, or name a --key"
        raise KeyFileError(where, f"no such key{hint}") from None
    chosen = algorithm or algorithm_of(key)
    if chosen not in PAIRS:
        _refuse("--algorithm", f"must be one of {', '.join(PAIRS)} with a private key")
    return _signed(claims, key, chosen)


def _signed(claims: dict[str, Any], key: PrivateKey | str, algorithm: str) -> str:
    try:
        return sign(claims, key, algorithm)
    except (jwt.PyJWTError, TypeError) as error:
        _refuse("--algorithm", f"cannot sign with {algorithm}: {error}")


def _refuse(option: str, why: str) -> NoReturn:
    raise UsageError(option, why)
