"""The bases of every plugin's settings: strict, frozen, silent about what they were given."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from gatewright.model import EventType

__all__ = [
    "EVENT_TYPES",
    "ExtensionSettings",
    "NoSettings",
    "OnError",
    "Settings",
    "SinkSettings",
    "TransportSettings",
]

EVENT_TYPES: tuple[EventType, ...] = ("connected", "message_received", "disconnected")

OnError = Literal["disable", "fail"]


class Settings(BaseModel):
    """The base of a plugin's settings: unknown options are errors, nothing can be changed later.

    Describe every field; secrets are `pydantic.SecretStr`. Read once at start: copy what the data
    path needs into attributes of the backend.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


class NoSettings(Settings):
    """The settings of a plugin that has none."""


class TransportSettings(Settings):
    """The base of every transport's settings."""


class ExtensionSettings(Settings):
    """The base of the settings of extensions that observe events.

    With another base, an extension is switched off when it raises, and nobody can choose.
    """

    on_error: Annotated[
        OnError,
        Field(
            description="When it raises at an event. disable: it sees no more events; "
            "fail: the gateway drains and exits with 1."
        ),
    ] = "disable"


class SinkSettings(Settings):
    """The base of every event sink's settings; the core reads these fields and no others."""

    types: Annotated[
        tuple[EventType, ...],
        Field(description="Which events this sink gets.", min_length=1),
    ] = EVENT_TYPES
    attempts: Annotated[
        PositiveInt | None,
        Field(description="Attempts per event; absent: only lanes.max_age bounds them."),
    ] = None
    base_seconds: Annotated[
        PositiveFloat,
        Field(description="Wait before the second attempt; doubles, plus at most a fifth."),
    ] = 0.5
    timeout_seconds: Annotated[
        PositiveFloat,
        Field(description="Time for one attempt in total, in seconds."),
    ] = 5.0
    concurrency: Annotated[
        PositiveInt,
        Field(description="Attempts under way at once."),
    ] = 64
    batch: Annotated[
        PositiveInt,
        Field(description="Events handed over in one attempt, each of another connection."),
    ] = 1
    extended: Annotated[
        bool,
        Field(description="Put id, seq and reason into the body too, not only beside it."),
    ] = False
