"""``gatewright-consume``: hear events from a broker, by settings from the environment."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, Final

from gatewright_sdk.config import Settings
from gatewright_sdk.errors import ConfigurationError, GatewrightError
from gatewright_sdk.events import Consumer, Events, consumer_of

__all__ = ["main"]

_FAILED: Final = 1
_WRONG: Final = 2
_INTERRUPTED: Final = 130
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
_LOG: Final = logging.getLogger("gatewright_sdk.consume")
_EPILOG: Final = """\
The environment says where events come from: WS_EVENTS_TYPE=redis_stream with WS_REDIS_DSN,
or rabbitmq with WS_RABBITMQ_DSN; see the README of gatewright-sdk for all names.
SIGTERM and SIGINT finish what is under way; a second one ends at once.
exit codes: 0 stopped, 1 failed, 2 wrong arguments or settings, 130 ended at once
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code.

    Args:
        arguments: Its words; those of the process where left out.
    """
    chosen = _parser().parse_args(arguments)
    logging.basicConfig(
        level=chosen.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    sys.path.insert(0, os.path.abspath(chosen.app_dir))  # noqa: PTH100 - a text for sys.path
    try:
        consumer = _consumer(load(chosen.events), Settings.from_env())
    except ConfigurationError as error:
        print(f"gatewright-consume: {error}", file=sys.stderr)  # noqa: T201 - a command
        return _WRONG
    try:
        return asyncio.run(_run(consumer))
    except GatewrightError as error:
        print(f"gatewright-consume: {error}", file=sys.stderr)  # noqa: T201 - a command
        return _FAILED


def load(target: str) -> Events[Any]:
    """Import the `Events` that a target such as ``myapp.ws:events`` names.

    Raises:
        ConfigurationError: There is no such module or attribute, or it is something else. What the
            module itself raises goes through.
    """
    module_name, colon, path = target.partition(":")
    if not colon or not module_name or not path:
        msg = f"{target!r} must be module:attribute, such as myapp.ws:events"
        raise ConfigurationError(msg)
    found: Any = _module(module_name)
    for name in path.split("."):
        if not hasattr(found, name):
            msg = f"{target!r}: module {module_name!r} has no attribute {path!r}"
            raise ConfigurationError(msg)
        found = getattr(found, name)
    if not isinstance(found, Events):
        msg = f"{target!r} must be an Events, found {type(found).__name__}"
        raise ConfigurationError(msg)
    return found


def _module(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # one that the application imports
        msg = f"there is no module {name!r} in the app directory or on Python's path"
        raise ConfigurationError(msg) from None


def _consumer(events: Events[Any], settings: Settings) -> Consumer:
    consumer = consumer_of(events, settings)
    if consumer is None:
        msg = (
            "WS_EVENTS_TYPE: must be redis_stream or rabbitmq for this command; "
            "with a webhook, or none, there is nothing to consume"
        )
        raise ConfigurationError(msg)
    return consumer


async def _run(consumer: Consumer) -> int:
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(consumer.run())
    signals = 0

    def signalled() -> None:
        nonlocal signals
        signals += 1
        if signals == 1:
            _LOG.info("stopping: what is under way is finished")
            consumer.stop()
        else:
            running.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    try:
        await running
    except asyncio.CancelledError:
        _LOG.warning("ended before everything was finished: what was not comes again")
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gatewright-consume",
        description="Hear a gateway's events from a Redis stream or a RabbitMQ queue.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("events", metavar="MODULE:ATTRIBUTE", help="where the Events are")
    parser.add_argument("--app-dir", default=".", help="where modules are looked for (%(default)s)")
    parser.add_argument(
        "--log-level", default="INFO", type=str.upper, choices=_LEVELS, help="(%(default)s)"
    )
    return parser
