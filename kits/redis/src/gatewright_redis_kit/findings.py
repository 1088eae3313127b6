"""What a Redis tells of itself, judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from gatewright import Finding
from gatewright_redis_kit.needs import RedisNeeds
from gatewright_redis_kit.terminal import Terminal

__all__ = ["judge_info", "judge_rights", "judge_time", "judge_type"]

SKEW_SECONDS: Final = 1.0
MIB: Final = 1024 * 1024
NEARLY_FULL: Final = 0.9
_ACCESS: Final = " access "
"""In what the server says of a key; of a command it says that it may not be run."""

Info = Mapping[str, str]


def judge_time(offset: float) -> Finding:
    """Compare the server's clock with ours; ``offset`` is how far it is ahead, in seconds."""
    if abs(offset) <= SKEW_SECONDS:
        return Finding.ok("clock", "the server's clock agrees with this machine's")
    side = "ahead of" if offset > 0 else "behind"
    found = f"the server's clock is {abs(offset):.1f} s {side} this machine's"
    return Finding.warning("clock", found, fix="timedatectl set-ntp true, on both machines")


def judge_info(
    info: Info | None, needs: RedisNeeds, terminal: Terminal, *, saves: bool | None
) -> Iterator[Finding]:
    """Judge what ``INFO`` says; ``None``: it may not be asked.

    Args:
        info: The answer.
        needs: What the plugin does.
        terminal: Writes what the operator may type.
        saves: Whether snapshots are made; ``None``: unknown.
    """
    if info is None:
        found = f"user {terminal.user} may not run INFO: version, role and memory stay unknown"
        yield Finding.warning(
            "server", found, fix=terminal.admin("acl", "setuser", terminal.user, "+info")
        )
        return
    yield _version(info, needs)
    yield _role(info, terminal)
    yield _eviction(info, needs, terminal)
    yield _memory(info, terminal)
    if needs.lasting:
        yield _persistence(info, needs, terminal, saves=saves)


def judge_rights(
    refused: Mapping[tuple[str, ...], str], needs: RedisNeeds, terminal: Terminal, option: str
) -> Finding:
    """Judge which commands would be refused, and why."""
    if not refused:
        return Finding.ok("rights", f"user {terminal.user} may run all commands that are needed")
    if ("MULTI",) in refused:
        found = (
            f"user {terminal.user} may not run MULTI: whether it may run the others stays unknown"
        )
        fix = terminal.admin("acl", "setuser", terminal.user, "+multi", "+discard")
        return Finding.warning("rights", found, fix=fix)
    denied = {command: why for command, why in refused.items() if why.startswith("NOPERM")}
    if not denied:
        why = next(iter(refused.values()))
        fix = _writable(why, terminal, option)
        return Finding.error("writing", f"the server refuses writes: {why}", fix=fix)
    return _denied(denied, needs, terminal)


def judge_type(key: str, wanted: str, found: str, terminal: Terminal, option: str) -> Finding:
    """Judge what a key holds."""
    if found in {wanted, ""}:
        return Finding.ok(wanted, f"{key} is there" if found else f"{key} could not be looked at")
    if found == "none":
        return Finding.ok(wanted, f"{key} is not there yet; the first write makes it")
    what = f"{key} holds a {found}, not a {wanted}"
    fix = f"{terminal.line('rename', key, key + '.old')}, or another name in {option}"
    return Finding.error(wanted, what, fix=fix)


def _denied(
    denied: Mapping[tuple[str, ...], str], needs: RedisNeeds, terminal: Terminal
) -> Finding:
    """Name the commands and keys that are missing, and grant just these."""
    commands = {command[0].lower() for command, why in denied.items() if _ACCESS not in why}
    keys = {
        needs.patterns.get(word, word)
        for command, why in denied.items()
        if _ACCESS in why
        for word in command
        if word in needs.types
    }
    what = []
    if commands:
        what.append(f"run {', '.join(sorted(commands))}")
    if keys:
        what.append(f"use {', '.join(sorted(keys))}")
    grants = [f"+{name}" for name in sorted(commands)] + [f"~{key}" for key in sorted(keys)]
    return Finding.error(
        "rights",
        f"user {terminal.user} may not {', nor '.join(what)}",
        fix=terminal.admin("acl", "setuser", terminal.user, *grants),
    )


def _version(info: Info, needs: RedisNeeds) -> Finding:
    text = info.get("redis_version", "unknown")
    numbers = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if numbers < needs.version:
        wanted = ".".join(map(str, needs.version))
        return Finding.error(
            "version",
            f"Redis {text} is older than {wanted}",
            fix=f"upgrade Redis to {wanted} or newer",
        )
    if needs.better is not None and numbers < needs.better[0]:
        better, lack = needs.better
        fix = f"upgrade Redis to {'.'.join(map(str, better))} or newer"
        return Finding.warning("version", f"Redis {text}: {lack}", fix=fix)
    return Finding.ok("version", f"Redis {text}")


def _role(info: Info, terminal: Terminal) -> Finding:
    if info.get("role") != "slave":
        return Finding.ok("role", "a primary, which takes writes")
    primary = f"{info.get('master_host', '?')}:{info.get('master_port', '?')}"
    found = f"a replica of {primary}, which takes no writes"
    return Finding.error("role", found, fix=f"point the dsn at {primary}; {terminal.line('role')}")


def _eviction(info: Info, needs: RedisNeeds, terminal: Terminal) -> Finding:
    policy = info.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        return Finding.ok("eviction", "noeviction: nothing is dropped for want of memory")
    harmless = policy.startswith("volatile") and not needs.expiring
    if harmless:
        return Finding.ok("eviction", f"{policy}, which spares keys that do not expire")
    found = f"{policy}: keys of the gateway may vanish when memory is short"
    fix = terminal.admin("config", "set", "maxmemory-policy", "noeviction")
    return Finding.warning("eviction", found, fix=fix)


def _memory(info: Info, terminal: Terminal) -> Finding:
    used, limit = (int(info.get(name, 0)) for name in ("used_memory", "maxmemory"))
    if not limit:
        return Finding.ok("memory", f"{used // MIB} MiB used, no limit of its own")
    found = f"{used // MIB} of {limit // MIB} MiB used"
    if used > NEARLY_FULL * limit:
        fix = terminal.admin("config", "set", "maxmemory", str(2 * limit))
        return Finding.warning("memory", found, fix=fix)
    return Finding.ok("memory", found)


def _persistence(
    info: Info, needs: RedisNeeds, terminal: Terminal, *, saves: bool | None
) -> Finding:
    if info.get("aof_enabled") == "1":
        return Finding.ok("persistence", "an append-only file")
    fix = terminal.admin("config", "set", "appendonly", "yes")
    if saves is None:
        return Finding.ok(
            "persistence", "no append-only file; whether snapshots are made is not told"
        )
    if saves:
        found = f"snapshots alone: a crash of Redis loses the latest {needs.lasting}"
    else:
        found = f"none: a restart of Redis loses {needs.lasting}"
    return Finding.warning("persistence", found, fix=fix)


def _writable(why: str, terminal: Terminal, option: str) -> str:
    if why.startswith("OOM"):
        return terminal.admin("config", "set", "maxmemory", "0")
    if why.startswith("READONLY"):
        return f"point {option}.dsn at the primary; {terminal.line('role')}"
    return terminal.line("info", "persistence")
