"""nginx with the nchan module: one worker, whose WebSockets hear one channel."""

from __future__ import annotations

import getpass
import os
import resource
import shutil
from pathlib import Path
from typing import Final

from bench import apt
from bench.prepared import Dialect
from bench.recipe import Recipe
from gatewright.testing.ports import free_port

__all__ = ["missing", "recipe"]

PACKAGES: Final = ("nginx", "libnginx-mod-nchan")
_MODULE: Final = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
_DIALECT: Final = Dialect(publishes_text=True)
_SUBSCRIBERS: Final = '"subscribers":'
_TEMPORARY: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

_CONFIGURATION: Final = """\
load_module {module};
daemon off;
{user}
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections {files}; }}
http {{
  access_log off;
  {temporary}
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  nchan_shared_memory_size 256M;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /publish {{
      nchan_publisher;
      nchan_channel_id bench;
      nchan_message_buffer_length 100;
      nchan_message_timeout 10s;
    }}
    location = / {{
      nchan_subscriber websocket;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
    }}
  }}
}}
"""


def missing() -> str | None:
    """Return what has to be installed, after trying to; None where it is there."""
    if _installed() or (apt.install(*PACKAGES) and _installed()):
        return None
    return f"needs {' and '.join(PACKAGES)}: apt-get install {' '.join(PACKAGES)}"


def _installed() -> bool:
    return _nginx() is not None and _MODULE.exists()


def _nginx() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def recipe(folder: Path) -> Recipe:
    """Return nginx with a configuration of its own; a publication is the text that clients get."""
    port = free_port()
    path = folder / "nginx.conf"
    path.write_text(_configuration(folder, port), encoding="utf-8")
    command = [_nginx() or "nginx", "-p", str(folder), "-c", str(path), "-e", "stderr"]
    return Recipe(
        command=command,
        port=port,
        publish_port=port,
        publish_headers={"Accept": "application/json"},
        sent=_SUBSCRIBERS,
        dialect=_DIALECT,
    )


def _configuration(folder: Path, port: int) -> str:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    paths = [f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY]
    return _CONFIGURATION.format(
        module=_MODULE,
        user=f"user {getpass.getuser()};" if os.geteuid() == 0 else "",  # who may read the folder
        files=files,
        folder=folder,
        temporary="\n  ".join(paths),
        port=port,
    )
