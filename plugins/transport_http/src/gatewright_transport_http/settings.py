"""The options of ``transports.http``."""

from __future__ import annotations

from typing import Annotated, Final, Literal, LiteralString

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from gatewright import TransportSettings

__all__ = ["HttpSettings"]

_NO_KEY: Final = "no_key"
_NOBODY_MAY_PUBLISH: Final[LiteralString] = (
    "no key is given; list one in api_keys, or write insecure: true to let anybody publish"
)
_NOBODY_MAY_ASK: Final[LiteralString] = "no key is given that could be required; list api_keys"


class HttpSettings(TransportSettings):
    """``transports.http``: who may publish, and who may ask who is connected."""

    insecure: Annotated[
        bool,
        Field(
            description="Start without keys: whoever reaches the port may publish. Keys that are "
            "listed are required all the same."
        ),
    ] = False
    api_keys: Annotated[
        tuple[SecretStr, ...],
        Field(
            description="Keys that may publish, any of them; several for rotation. Empty ones are "
            "dropped; without any, the gateway refuses to start unless insecure is true.",
            validate_default=True,
        ),
    ] = ()
    presence_requires_key: Annotated[
        bool | None,
        Field(
            description="Whether asking who is connected needs a key; absent: it does unless "
            "/internal has a bind of its own (server.internal_bind)."
        ),
    ] = None
    count: Annotated[
        Literal["cluster", "node"],
        Field(
            description="Whose connections a publication's answer counts: those of all nodes, "
            "which it waits 100 ms for at most, or only those of the node that took it."
        ),
    ] = "cluster"

    @field_validator("api_keys", mode="before")
    @classmethod
    def _absent_is_empty(cls, value: object) -> object:
        return () if value is None else value

    @field_validator("api_keys")
    @classmethod
    def _holds_a_key(
        cls, value: tuple[SecretStr, ...], info: ValidationInfo
    ) -> tuple[SecretStr, ...]:
        keys = tuple(key for key in value if key.get_secret_value().strip())
        if not keys and info.data.get("insecure") is False:
            raise PydanticCustomError(_NO_KEY, _NOBODY_MAY_PUBLISH)
        return keys

    @field_validator("presence_requires_key")
    @classmethod
    def _somebody_holds_a_key(
        cls,
        value: bool | None,  # noqa: FBT001 - pydantic's signature
        info: ValidationInfo,
    ) -> bool | None:
        if value and info.data.get("api_keys") == ():
            raise PydanticCustomError(_NO_KEY, _NOBODY_MAY_ASK)
        return value
