"""Ask the gateway in this container for its health: exit code 0, or 1 and a line that says why.

``GATEWRIGHT_HEALTH_URL`` names another address than that of port 8000, such as an https one where
the gateway serves TLS itself. Its certificate is not checked: it is asked on its own machine.
"""

import os
import ssl
import sys
import urllib.request

DEFAULT = "http://127.0.0.1:8000/health"
SECONDS = 4  # less than Docker waits


def main() -> int:
    """Ask once."""
    url = os.environ.get("GATEWRIGHT_HEALTH_URL") or DEFAULT
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    no_proxy = urllib.request.ProxyHandler({})
    https = urllib.request.HTTPSHandler(context=unchecked)
    try:
        with urllib.request.build_opener(no_proxy, https).open(url, timeout=SECONDS) as answer:
            print(f"{url}: {answer.status}")
            return 0
    except (OSError, ValueError) as error:  # urllib's own errors are kinds of OSError
        print(f"{url}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
