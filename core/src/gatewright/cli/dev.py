"""``gatewright dev``."""

from __future__ import annotations

import errno
import os
import shlex
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gatewright.cli.options import StateDirectory, state_directory
from gatewright.cli.output import console, note
from gatewright.errors import StartError

if TYPE_CHECKING:
    from gatewright.cli.development import DevelopmentSetup
    from gatewright.server.serve import ServerAddresses

__all__ = ["dev"]

DEFAULT_BIND: Final = "127.0.0.1:8180"
EXAMPLE_USER: Final = "42"

_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}  # noqa: S104 - compared, not bound


class AddressTaken(StartError):
    """Somebody listens on the address."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(address)

    def __str__(self) -> str:
        return (
            f"gatewright dev: {self.address}: address already in use; is another gateway running? "
            "--bind HOST:PORT takes another"
        )


def dev(
    bind: Annotated[
        str, typer.Option("--bind", "-b", metavar="HOST:PORT", help="Where to listen.")
    ] = DEFAULT_BIND,
    state_dir: StateDirectory = None,
    open_page: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the console page in a browser.")
    ] = False,
) -> None:
    """Run a gateway for trying things out: no configuration, a console page in the browser.

    Everything is kept in memory, keys are made on first start, and events are shown instead of
    sent. The page hands out tokens to whoever reaches it: for your own machine, not for a network.
    """
    from gatewright.cli.development import set_up
    from gatewright.server.serve import serve

    _refuse_if_taken(bind)
    state = state_directory(state_dir)
    os.environ["STATE_DIRECTORY"] = str(state)  # where plugins write, too
    setup = set_up(bind, state)
    if not is_local(bind):
        note(f"warning: whoever reaches {bind} is given tokens, and may publish")

    def announce(addresses: ServerAddresses) -> None:
        url = page_url(addresses.public)
        _print(setup, url, addresses.path)
        if open_page:
            typer.launch(url)

    code = serve(setup.config, development=setup.authentication.development, announce=announce)
    raise typer.Exit(code)


def is_local(bind: str) -> bool:
    """Tell whether only this machine reaches what listens on ``bind``."""
    host = bind.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or bind.startswith("unix:")


def _refuse_if_taken(bind: str) -> None:
    """Notice another gateway before anything is made; what else is wrong is told later."""
    host, _, port = bind.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise AddressTaken(bind) from None
        except (ValueError, OverflowError):
            return


def page_url(address: str) -> str:
    """Return where a browser on this machine finds what listens on ``address``."""
    host, _, port = address.rpartition(":")
    return f"http://{_ANYWHERE.get(host, host)}:{port}"


def curl(url: str, api_key: str) -> str:
    """Return a command that publishes, to be copied as it is."""
    body = '{"subjects":["user:42"],"payload":{"hello":"world"}}'
    return (
        f"curl {url}/internal/publish -H {shlex.quote(f'X-Api-Key: {api_key}')} \\\n"
        f"  -d {shlex.quote(body)}"
    )


def _print(setup: DevelopmentSetup, url: str, path: str) -> None:
    """Say where things are; commands start their lines, so that they can be copied."""
    out = console()
    who = setup.authentication
    out.print()
    out.print(f"  [bold]gatewright[/] is running: [bold]{url}/[/]", soft_wrap=True)
    out.print(f"  [dim]WebSocket {url.replace('http', 'ws', 1)}{path} · {_parts(setup)}[/]")
    out.print(f"\n  [bold]token[/] of user {EXAMPLE_USER} [dim]({who.plugin})[/]")
    out.out(who.development.issue(EXAMPLE_USER))
    if setup.api_key is None:
        out.print("\n  [bold]publish[/] over HTTP after: pip install gatewright-transport-http")
    else:
        out.print("\n  [bold]publish[/]")
        out.out(curl(url, setup.api_key))
    out.print("\n  [bold]listen[/] in another terminal")
    out.out(f"gatewright listen --user {EXAMPLE_USER}{_flags(setup, url, path)}")
    out.print("\n  Ctrl-C stops it.\n", style="dim")


def _parts(setup: DevelopmentSetup) -> str:
    plugins = setup.config.plugins
    return ", ".join(f"{kind} {one.name}" for kind, chosen in plugins.items() for one in chosen)


def _flags(setup: DevelopmentSetup, url: str, path: str) -> str:
    """Return what ``listen`` must be told, where it is not the default."""
    flags = ""
    if url != f"http://{DEFAULT_BIND}":
        flags += f" --url {shlex.quote(url.replace('http', 'ws', 1) + path)}"
    if setup.state != state_directory(environment={}):
        flags += f" --state-dir {shlex.quote(str(setup.state))}"
    return flags
