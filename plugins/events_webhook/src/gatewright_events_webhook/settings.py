"""The options below ``events.webhook``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import (
    Field,
    IPvAnyNetwork,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from gatewright import SinkSettings
from gatewright_events_webhook.signing import BadSigningSecret, is_signing_secret, signing_key
from gatewright_events_webhook.target import BadTarget, Target

__all__ = ["WebhookSettings"]

_UNUSED_AUTHORITIES: Final = "ca_file has no effect with verify: false; remove one of them"


class WebhookSettings(SinkSettings):
    """Where events go and how they are signed.

    The url counts as a secret, because a password or a token may stand in it.
    """

    attempts: Annotated[
        PositiveInt | None,
        Field(description="Attempts per event; null: only lanes.max_age bounds them."),
    ] = 3
    batch: Annotated[
        int,
        Field(description="Always 1: a request carries one event.", ge=1, le=1),
    ] = 1
    url: Annotated[
        SecretStr | None,
        Field(description="Where events are posted, http or https; absent: nothing is sent."),
    ] = None
    secret: Annotated[
        SecretStr | None,
        Field(description="Key of X-Webhook-Signature, taken literally; absent: no such header."),
    ] = None
    signing_secrets: Annotated[
        tuple[SecretStr, ...],
        Field(description="Keys of Standard Webhooks signatures, each whsec_<base64>."),
    ] = ()
    verify: Annotated[
        bool,
        Field(description="Whether the receiver's TLS certificate is checked."),
    ] = True
    ca_file: Annotated[
        Path | None,
        Field(description="PEM file of the only authorities trusted; absent: the public ones."),
    ] = None
    deny_networks: Annotated[
        tuple[IPvAnyNetwork, ...],
        Field(description="Networks never connected to, whatever the host's name resolves to."),
    ] = ()

    @field_validator("url", "secret")
    @classmethod
    def _empty_is_absent(cls, value: SecretStr | None) -> SecretStr | None:
        return value or None

    @field_validator("url")
    @classmethod
    def _usable_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                Target.parse(value.get_secret_value())
            except BadTarget as error:
                raise _problem(error) from None
        return value

    @field_validator("secret")
    @classmethod
    def _usable_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and is_signing_secret(value.get_secret_value()):
            _check_signing_secret(value)
        return value

    @field_validator("signing_secrets")
    @classmethod
    def _usable_signing_secrets(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in value:
            _check_signing_secret(secret)
        return value

    @model_validator(mode="after")
    def _authorities_are_used(self) -> Self:
        if self.ca_file is not None and not self.verify:
            raise _problem(_UNUSED_AUTHORITIES)
        return self


def _check_signing_secret(secret: SecretStr) -> None:
    try:
        signing_key(secret.get_secret_value())
    except BadSigningSecret as error:
        raise _problem(error) from None


def _problem(what: object) -> PydanticCustomError:
    """Return an error whose text stands as it is, without pydantic's prefix."""
    return PydanticCustomError("webhook", "{what}", {"what": str(what)})
