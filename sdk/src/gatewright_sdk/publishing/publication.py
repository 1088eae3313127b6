"""What is published, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from gatewright_sdk.errors import InvalidPublication

__all__ = ["Publication", "Published"]


@dataclass(frozen=True, slots=True)
class Published:
    """What is known once a publication was accepted.

    Attributes:
        sent: How many connections match. None through a broker, which cannot know.
        exact: Whether ``sent`` counts those of all nodes; None where the gateway does not say.
        duplicate: Whether its id was seen before, so that nothing was sent again.
    """

    sent: int | None = None
    exact: bool | None = None
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Publication:
    """One message for whoever hears one of these subjects.

    Attributes:
        subjects: Their names, such as ``user:42``; none reaches nobody.
        payload: Anything that JSON can say.
        id: Makes a retry safe: gateways deliver the same id once within two minutes.
    """

    subjects: tuple[str, ...]
    payload: Any
    id: str | None = None

    @classmethod
    def to(
        cls,
        subjects: str | Iterable[str],
        payload: Any,  # noqa: ANN401 - any JSON
        id: str | None = None,  # noqa: A002 - the field's name
    ) -> Self:
        """Make one from one subject or several."""
        return cls((subjects,) if isinstance(subjects, str) else tuple(subjects), payload, id)

    def encoded(self) -> bytes:
        """Return the JSON object that gateways take, in UTF-8.

        Raises:
            InvalidPublication: JSON cannot say it: NaN, a set, half of a surrogate pair, a circle;
                or the subjects, or the id, are no texts.
        """
        self._check()
        document: dict[str, Any] = {"subjects": self.subjects, "payload": self.payload}
        if self.id is not None:
            document["id"] = self.id
        try:
            text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            return text.encode()
        except (TypeError, ValueError, RecursionError) as error:
            why = "half of a surrogate pair" if isinstance(error, UnicodeEncodeError) else error
            message = f"this publication is no JSON: {why}"
            raise InvalidPublication(message) from None

    def _check(self) -> None:
        """See to what a broker would take, and a gateway then refuse out of sight."""
        wrong = None
        if isinstance(self.subjects, str) or not all(isinstance(one, str) for one in self.subjects):
            wrong = "subjects: must be a tuple of texts; pass objects to send()"
        elif self.id is not None and not isinstance(self.id, str):
            wrong = f"id: must be a text, found {type(self.id).__name__}"
        if wrong is not None:
            raise InvalidPublication(wrong)
