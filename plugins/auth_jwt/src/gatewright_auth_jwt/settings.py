"""The options of ``auth.jwt``, as they stand in the YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import httpx
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from gatewright import Settings
from gatewright_auth_jwt.key_text import key_set_from_text
from gatewright_auth_jwt.keys import UnusableKey

__all__ = ["JwtSettings", "Place", "SigningAlgorithm"]

SigningAlgorithm = Literal[
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES256K",
    "ES384",
    "ES512",
    "EdDSA",
    "HS256",
    "HS384",
    "HS512",
]

Place = Literal["header", "query", "protocol"]
"""Where a client may put its token."""

DAY: Final = 86_400.0


def _problem(why: str) -> PydanticCustomError:
    return PydanticCustomError("auth_jwt", "{why}", {"why": why})


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _one_sort(algorithms: tuple[str, ...]) -> tuple[str, ...]:
    secret = next((name for name in algorithms if name.startswith("HS")), None)
    pair = next((name for name in algorithms if not name.startswith("HS")), None)
    if secret and pair:
        why = f"{secret} needs a shared secret and {pair} a public key; list one sort only"
        raise _problem(why)
    return algorithms


_Text = Annotated[str, Field(min_length=1)]
_OneOrMore = Annotated[tuple[_Text, ...], BeforeValidator(_as_list), Field(min_length=1)]


class JwtSettings(Settings):
    """``auth.jwt``: clients are let in by a signed JSON Web Token."""

    algorithms: Annotated[
        tuple[SigningAlgorithm, ...],
        BeforeValidator(_as_list),
        AfterValidator(_one_sort),
        Field(description="Signature algorithms that are accepted; never the token's choice."),
        Field(min_length=1),
    ] = ("RS256",)
    user_id_claim: Annotated[
        _Text, Field(description="The claim that holds the user id, text or an integer.")
    ] = "user_id"
    subjects_claim: Annotated[
        _Text | None,
        Field(description="A claim with further subjects, a list or one text; absent: none."),
    ] = None
    jwks_url: Annotated[
        str | None,
        Field(description="Address of a JSON Web Key Set; used before public_key_file."),
    ] = None
    public_key_file: Annotated[
        Path | None,
        Field(description="PEM file (or HS secret), read again when it changes."),
    ] = None
    public_key: Annotated[
        SecretStr | None,
        Field(description="The PEM text or the HS secret; used when there is no file."),
    ] = None
    issuer: Annotated[
        _OneOrMore | None, Field(description="Accepted values of iss; absent: not looked at.")
    ] = None
    audience: Annotated[
        _OneOrMore | None, Field(description="Accepted values of aud; absent: not looked at.")
    ] = None
    leeway: Annotated[
        NonNegativeFloat, Field(description="Seconds that clocks may differ (exp, nbf, iat).")
    ] = 0.0
    require_exp: Annotated[bool, Field(description="Refuse tokens that never expire.")] = True
    close_on_expiry: Annotated[
        bool, Field(description="Close the connection (4401) when its token expires.")
    ] = True
    tokens: Annotated[
        tuple[Place, ...],
        BeforeValidator(_as_list),
        Field(description="Where tokens are looked for: header, query, protocol.", min_length=1),
    ] = ("header", "query", "protocol")
    cache_tokens: Annotated[
        int,
        Field(description="Checked tokens that are remembered until they end; 0: none.", ge=0),
    ] = 10_000
    jwks_refresh_seconds: Annotated[
        float, Field(description="Seconds between fetches of the key set.", ge=10, le=DAY)
    ] = 300.0
    jwks_stale_seconds: Annotated[
        float,
        Field(description="Seconds that fetched keys stay good while fetching fails.", ge=10),
    ] = DAY

    @field_validator("jwks_url")
    @classmethod
    def _jwks_url_is_plain(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return value
        secret = _secret_algorithm(info)
        if secret:
            why = f"{secret} has no public keys to fetch; use public_key or public_key_file"
            raise _problem(why)
        if not _is_plain_url(value):
            why = "must be an http(s) address without user name, password or fragment"
            raise _problem(why)
        return value

    @field_validator("public_key")
    @classmethod
    def _public_key_is_usable(
        cls, value: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        unused = info.data.get("jwks_url") or info.data.get("public_key_file")
        algorithms = info.data.get("algorithms")
        if value is None or unused or not algorithms:
            return value
        try:
            key_set_from_text(value.get_secret_value(), algorithms)
        except UnusableKey as error:
            raise _problem(error.why) from None
        return value

    @model_validator(mode="after")
    def _has_a_key(self) -> JwtSettings:
        if self.jwks_url is None and self.public_key_file is None and self.public_key is None:
            why = "no key to check tokens with; set jwks_url, public_key_file or public_key"
            raise _problem(why)
        return self


def _secret_algorithm(info: ValidationInfo) -> str | None:
    algorithms: tuple[str, ...] = info.data.get("algorithms", ())
    return next((name for name in algorithms if name.startswith("HS")), None)


def _is_plain_url(value: str) -> bool:
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        return False
    return url.scheme in {"http", "https"} and bool(url.host) and not (url.userinfo or url.fragment)
