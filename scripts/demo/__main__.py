"""Run a gateway and the example backend together, and show how to try them: ``make demo``.

    python -m scripts.demo [--broker none|redis|rabbitmq] [--nodes N] [--check]

Exit codes: 0 ended by Ctrl-C, or the check went well; 1 it did not, or something ended by itself;
2 the command line is wrong; 3 something could not be started.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from scripts.demo.check import check
from scripts.demo.errors import DemoError
from scripts.demo.plan import DEMO_KEY, Plan
from scripts.demo.processes import Family
from scripts.demo.stage import ROOT, staged

FAILED = 1
NOT_STARTED = 3


def main() -> int:
    """Run until Ctrl-C, or until the check is done; return the exit code."""
    options = _options()
    folder = ROOT / "var" / "demo" / str(os.getpid())
    try:
        code = asyncio.run(_run(options, folder))
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        code = NOT_STARTED
    if code == 0 or not any(folder.rglob("*.log")):  # otherwise there are logs to read
        _remove(folder)
    return code


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.demo", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--broker", choices=["none", "redis", "rabbitmq"], default="none")
    parser.add_argument("--nodes", type=int, choices=range(1, 6), default=1, metavar="1…5")
    parser.add_argument("--check", action="store_true", help="send a message each way, and end")
    options = parser.parse_args()
    if options.nodes > 1 and options.broker != "redis":
        parser.error("several nodes share who is connected through Redis: BROKER=redis NODES=2")
    return options


async def _run(options: argparse.Namespace, folder: Path) -> int:
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    showing = asyncio.create_task(_show(options, folder))
    waiting = asyncio.create_task(interrupted.wait())
    await asyncio.wait({showing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if showing.done():
        return await showing
    print("stopping …", flush=True)
    showing.cancel()
    with suppress(asyncio.CancelledError):
        await showing
    return 0


async def _show(options: argparse.Namespace, folder: Path) -> int:
    async with staged(options.broker, options.nodes, folder) as (plan, family):
        if options.check:
            return 0 if await check(plan, _say) else FAILED
        print(_told(plan), flush=True)
        return await _until_one_ends(family)


def _remove(folder: Path) -> None:
    """Remove what was written, though a process that was killed may write for a moment more."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


def _say(line: str) -> None:
    print(line, flush=True)


async def _until_one_ends(family: Family) -> int:
    print(f"demo: {await family.one_ended()}", file=sys.stderr)
    return FAILED


def _told(plan: Plan) -> str:
    transport, presence, events = plan.ways
    through = "no broker" if plan.broker is None else f"{plan.broker.kind}: {plan.broker.whose}"
    key = plan.private_key.relative_to(ROOT)
    token = f'"$(gatewright token --user 42 --key {key})"'
    chats = [f"{plan.backend}/demo/chat"]
    chats += [f"{chats[0]}?gateway={number + 2}" for number in range(len(plan.gateways) - 1)]
    return "\n".join(
        [
            "",
            f"  gateway  {'  '.join(plan.sockets)}",
            f"  backend  {plan.backend}",
            f"  chat     {'  '.join(chats)}",
            "           open it in two windows, and join with two names",
            f"  through  {through}; transport {transport}, presence {presence}, events {events}",
            f"  logs     {plan.folder.relative_to(ROOT)}/*.log",
            "",
            '  A client, in another terminal; type a message, such as {"say":"hi"}:',
            ". .venv/bin/activate",
            f"gatewright listen --url {plan.sockets[0]} --token {token}",
            "",
            "  The backend's side, in a third one:",
            f'curl {plan.backend}/api/push-demo/42 -d \'{{"hello":"world"}}\'',
            f"curl '{plan.backend}/api/online?user_id=42'",
            f"curl {plan.backend}/api/ws/last-message -H 'X-Demo-Key: {DEMO_KEY}'",
            "",
            "  Ctrl-C stops everything.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
