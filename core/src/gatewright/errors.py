"""Every exception gatewright raises on purpose, as one tree.

::

    GatewrightError
    ├── OperatorError                 the deployment is at fault: an exit code, no traceback
    │   ├── ConfigError               the file has problems; carries all of them (exit 2)
    │   ├── PluginError               a plugin cannot be used as named (exit 2)
    │   └── StartError                the file is right, the machine is not (exit 3)
    ├── AuthenticationError           this client is refused (close 4401)
    │   └── AuthenticationUnavailable nobody can tell right now whether it is (close 1013)
    ├── InvalidPublication            what a backend published cannot be read
    ├── BusUnavailable                the bus did not accept a message; the caller may retry
    └── DeadLettersUnwritten          no store takes dead letters; the caller may try again

Attributes hold the data, ``__str__`` builds the sentence. No message ever holds a secret, a token
or a configuration value that could be one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AuthenticationError",
    "AuthenticationUnavailable",
    "BusUnavailable",
    "ConfigError",
    "DeadLettersUnwritten",
    "GatewrightError",
    "InvalidPublication",
    "OperatorError",
    "PluginError",
    "Problem",
    "StartError",
]


class GatewrightError(Exception):
    """The root of everything gatewright raises on purpose."""


class OperatorError(GatewrightError):
    """Something the operator can mend; shown as text without a traceback.

    Attributes:
        exit_code: What the process exits with when this ends it.
    """

    exit_code: ClassVar[int] = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a configuration.

    Attributes:
        path: Dotted path of the option, ``transports.redis_stream.dsn``; may be empty.
        message: What is wrong, what was found and what to do, in lower case.
        file: The file as the operator named it, or ``None`` when there is none.
        line: 1-based line, or ``None`` when unknown.
        column: 1-based column, or ``None`` when unknown.
    """

    path: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        where = self.file or ""
        if self.line is not None:
            where += f":{self.line}:{self.column or 1}"
        return ": ".join(part for part in (where, self.path, self.message) if part)


class ConfigError(OperatorError):
    """The configuration has problems; all of them are reported together."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class PluginError(OperatorError):
    """A plugin cannot be used; the text names the plugin and its distribution."""


class StartError(OperatorError):
    """The configuration is right, but what it needs is not to be had on this machine."""

    exit_code = 3


class AuthenticationError(GatewrightError):
    """The client is refused; the reason is for the log, the client only sees close code 4401.

    Attributes:
        reason: A short, stable word for the metric and the log, such as ``expired``. Never holds
            the token or anything the client sent.
        subprotocol: The sub-protocol to accept with before closing, or ``None`` for none: a browser
            that offered some only hears a close code from a server that picked one of them.
    """

    def __init__(self, reason: str, *, subprotocol: str | None = None) -> None:
        self.reason = reason
        self.subprotocol = subprotocol
        super().__init__(reason)


class AuthenticationUnavailable(AuthenticationError):
    """The token cannot be judged now (its key cannot be fetched); the client sees close 1013."""


class InvalidPublication(GatewrightError):
    """What a backend published cannot be delivered.

    Attributes:
        reason: A stable word for dead letters and metrics: ``parse_error`` for what cannot be
            read, ``too_large`` for what is beyond a limit.
        detail: What is wrong, in words for the publisher. Never repeats the payload.
    """

    def __init__(self, detail: str, *, reason: str = "parse_error") -> None:
        self.detail = detail
        self.reason = reason
        super().__init__(detail)

    def __str__(self) -> str:
        return self.detail


class BusUnavailable(GatewrightError):
    """The bus did not accept a message; the caller may retry with the same id.

    Attributes:
        reason: Why, without secrets.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class DeadLettersUnwritten(GatewrightError):
    """What could not be delivered could not be written down either; it is still in memory."""

    def __str__(self) -> str:
        return "no dead letter store takes letters now"
