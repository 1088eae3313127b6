"""The options."""

from __future__ import annotations

from typing import Annotated

from pydantic import AnyHttpUrl, Field, NonNegativeFloat, PositiveFloat, PositiveInt, SecretStr

from gatewright import Settings

__all__ = ["AskSettings"]


class AskSettings(Settings):
    """``auth.ask``: whom to ask, and how long to believe the answer."""

    url: Annotated[AnyHttpUrl, Field(description="Where the question is posted.")]
    key: Annotated[
        SecretStr | None, Field(description="Sent as Authorization: Bearer; absent: nothing is.")
    ] = None
    timeout_seconds: Annotated[
        PositiveFloat, Field(description="Time for one question; then the client is told 1013.")
    ] = 2.0
    cache_seconds: Annotated[
        NonNegativeFloat, Field(description="How long a yes is believed; 0: it is asked each time.")
    ] = 30.0
    cache_tokens: Annotated[PositiveInt, Field(description="Yeses that are remembered.")] = 10_000
    concurrency: Annotated[PositiveInt, Field(description="Questions under way at once.")] = 50
