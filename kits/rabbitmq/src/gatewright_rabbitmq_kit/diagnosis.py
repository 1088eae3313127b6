"""Looks at a RabbitMQ for ``gatewright doctor``, and changes nothing there."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from shlex import quote
from typing import Final

from aiormq.exceptions import ChannelLockedResource
from pydantic import SecretStr

from gatewright import DiagnosisContext, Finding
from gatewright_rabbitmq_kit.broker import Broker
from gatewright_rabbitmq_kit.certificates import UnusableCertificates
from gatewright_rabbitmq_kit.dsn import Dsn, parse_dsn
from gatewright_rabbitmq_kit.errors import UNAVAILABLE
from gatewright_rabbitmq_kit.failing import failed
from gatewright_rabbitmq_kit.link import Link
from gatewright_rabbitmq_kit.needs import RabbitNeeds
from gatewright_rabbitmq_kit.probing import Probe, Refusal
from gatewright_rabbitmq_kit.words import permit, user_of, vhost_of

__all__ = ["diagnose_rabbitmq"]

TIMEOUT: Final = 4.0
MOST_HEARTBEAT: Final = 60
_OTHER: Final = re.compile(
    r"inequivalent arg '(?P<what>type|durable)' for .*received '(?P<ours>\w+)' "
    r"but current is '(?P<theirs>\w+)'"
)


async def diagnose_rabbitmq(
    dsn: SecretStr, needs: RabbitNeeds, context: DiagnosisContext
) -> AsyncGenerator[Finding]:
    """Connect as the plugin would, and yield what is found.

    Args:
        dsn: The plugin's option ``dsn``.
        needs: What it does there.
        context: What the plugin's own diagnosis got.
    """
    option, parsed = f"{context.key}.dsn", parse_dsn(dsn.get_secret_value())
    name = f"gatewright doctor {context.name}"
    try:
        broker = Broker(dsn, name=name, timeout=TIMEOUT)
    except UnusableCertificates as error:
        fix = f"ls -l {error.path}, or another path in {option}"
        yield Finding.error("tls", str(error), fix=fix)
        return
    try:
        async with (
            broker.session() as link,
            aclosing(_Look(link, needs, parsed, context.key).findings()) as findings,
        ):
            async for finding in findings:
                yield finding
    except UNAVAILABLE as error:
        yield failed(error, parsed, option)


class _Look:
    """One look over one connection."""

    def __init__(self, link: Link, needs: RabbitNeeds, dsn: Dsn, key: str) -> None:
        self._link, self._needs, self._dsn, self._key = link, needs, dsn, key
        self._probe = Probe(link)
        self._refused: dict[str, list[str]] = {}

    async def findings(self) -> AsyncGenerator[Finding]:
        yield Finding.ok("reach", f"{self._dsn.shown} answers, and takes the login")
        yield self._version()
        yield self._heartbeat()
        for name in self._needs.queues:
            yield await self._queue(name)
        for name in self._needs.exchanges:
            yield await self._exchange(name)
        await self._uses()
        alarm = await self._alarm()
        yield self._rights()
        if alarm is not None:
            yield alarm

    def _version(self) -> Finding:
        text = str(self._link.connection.server_properties.get("version", "unknown"))
        numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
        if numbers < self._needs.version:
            wanted = ".".join(map(str, self._needs.version))
            found = f"RabbitMQ {text} is older than {wanted}"
            return Finding.error("version", found, fix=f"upgrade RabbitMQ to {wanted} or newer")
        return Finding.ok("version", f"RabbitMQ {text}")

    def _heartbeat(self) -> Finding:
        seconds = int(self._dsn.url.query["heartbeat"])
        fix = f"leave heartbeat out of {self._key}.dsn: it is 10 seconds then"
        if not seconds:
            found = "none: a broker that went away silently is noticed late"
            return Finding.warning("heartbeat", found, fix=fix)
        if seconds > MOST_HEARTBEAT:
            found = f"every {seconds} s: proxies may end a connection that is silent for longer"
            return Finding.warning("heartbeat", found, fix=fix)
        return Finding.ok("heartbeat", f"every {seconds} s")

    async def _queue(self, name: str) -> Finding:
        try:
            state = await self._probe.queue(name)
        except ChannelLockedResource:
            fix = f"rabbitmqctl list_queues -p {quote(vhost_of(self._dsn))} name owner_pid"
            return Finding.error("queue", f"{name} belongs to another connection alone", fix=fix)
        declaring = self._probe.may_declare_queue(name)
        other = await self._asked(declaring, f"queue {name}", "declare", needed=state is None)
        if state is None:
            return Finding.ok("queue", f"{name} is not there yet; the gateway makes it")
        found = f"{name} is there, {state[0]} messages wait, {state[1]} consumers"
        if _difference(other) == ("durable", "true", "false"):
            found = f"{name} is not durable: a restart of the broker loses it"
            where = f"-p {quote(vhost_of(self._dsn))} {quote(name)}"
            fix = f"rabbitmqctl delete_queue {where}: the gateway makes it again, durable"
            return Finding.warning("queue", found, fix=fix)
        return Finding.ok("queue", found)

    async def _exchange(self, name: str) -> Finding:
        kind = self._needs.exchanges[name]
        exists = await self._probe.exchange_exists(name)
        declaring = self._probe.may_declare_exchange(name, kind)
        other = await self._asked(declaring, f"exchange {name}", "declare", needed=not exists)
        if not exists:
            return Finding.ok("exchange", f"{name} is not there yet; the gateway makes it")
        what, _, theirs = _difference(other)
        if what == "type":
            found = f"{name} is of type {theirs}, not {kind}"
            fix = f"delete exchange {name}, or name another in {self._key}.exchange"
            return Finding.error("exchange", found, fix=fix)
        return Finding.ok("exchange", f"{name} is there")

    async def _uses(self) -> None:
        """Ask for what is done with queues and exchanges."""
        for queue, exchange in self._needs.bindings:
            await self._asked(
                self._probe.may_bind(queue, exchange), f"{queue} to {exchange}", "bind"
            )
        for queue in self._needs.consumes:
            await self._asked(self._probe.may_consume(queue), queue, "consume")
        for exchange in filter(None, self._needs.publishes):
            await self._asked(
                self._probe.may_use_exchange(exchange), exchange, "publish to or read"
            )

    async def _alarm(self) -> Finding | None:
        """See whether messages are taken; ``None``: the user has no right to find out."""
        try:
            if await self._probe.takes_messages():
                return Finding.ok("alarm", "none in force; messages are taken")
        except Refusal:
            if "" in self._needs.publishes:
                self._refused.setdefault("publish to", []).append("amq.default")
            return None
        found = "the broker takes no messages: an alarm of memory or disk is in force"
        return Finding.error("alarm", found, fix="rabbitmq-diagnostics alarms")

    def _rights(self) -> Finding:
        user = user_of(self._dsn)
        if not self._refused:
            return Finding.ok("rights", f"user {user} may do all that is needed")
        denied = [f"{verb} {', '.join(names)}" for verb, names in self._refused.items()]
        found = f"user {user} may not {', nor '.join(denied)}"
        needs = self._needs
        names = {*needs.queues, *needs.exchanges, *needs.publishes}
        return Finding.error("rights", found, fix=permit(self._dsn, names))

    async def _asked(
        self, question: Awaitable[str | None], name: str, verb: str, *, needed: bool = True
    ) -> str:
        """Ask, and remember what is refused though it is needed."""
        try:
            return await question or ""
        except Refusal:
            if needed:
                self._refused.setdefault(verb, []).append(name)
            return ""


def _difference(objection: str) -> tuple[str, str, str]:
    match = _OTHER.search(objection)
    return ("", "", "") if match is None else (match["what"], match["ours"], match["theirs"])
