"""The options of ``transports.http``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from gatewright import TransportSettings

__all__ = ["HttpSettings"]


class HttpSettings(TransportSettings):
    """``transports.http``: who may publish, and who may ask who is connected."""

    api_keys: Annotated[
        tuple[SecretStr, ...],
        Field(
            description="Keys that may publish, any of them; several for rotation. Empty ones are "
            "dropped; without any, the gateway refuses to start unless insecure is true."
        ),
    ] = ()
    insecure: Annotated[
        bool,
        Field(
            description="Start without keys: whoever reaches the port may publish. Keys that are "
            "listed are required all the same."
        ),
    ] = False
    presence_requires_key: Annotated[
        bool | None,
        Field(
            description="Whether asking who is connected needs a key; absent: it does unless "
            "/internal has a bind of its own (server.internal_bind)."
        ),
    ] = None

    @field_validator("api_keys", mode="before")
    @classmethod
    def _absent_is_empty(cls, value: object) -> object:
        return () if value is None else value

    @field_validator("api_keys")
    @classmethod
    def _without_empty_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return tuple(key for key in keys if key.get_secret_value().strip())

    @model_validator(mode="after")
    def _somebody_must_hold_a_key(self) -> Self:
        if self.api_keys:
            return self
        if not self.insecure:
            kind = "no_api_key"
            text = (
                "no key in api_keys, or only empty ones; "
                "list one, or write insecure: true to let anybody publish"
            )
            raise PydanticCustomError(kind, text)
        if self.presence_requires_key:
            kind = "no_api_key"
            text = "presence_requires_key is true but api_keys holds no key; list one"
            raise PydanticCustomError(kind, text)
        return self
