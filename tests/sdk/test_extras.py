"""Without a part's library the rest works, and the part says what to install."""

import subprocess
import sys

import pytest

PARTS = {
    "httpx": (
        "http",
        (
            "from gatewright_sdk import HttpTransport;"
            "from gatewright_sdk.config import HttpSettings;"
            "HttpTransport(HttpSettings(base_url='http://g'))"
        ),
        (
            "from gatewright_sdk import HttpPresence;"
            "from gatewright_sdk.config import HttpPresenceSettings;"
            "HttpPresence(HttpPresenceSettings(base_url='http://g'))"
        ),
    ),
    "redis": (
        "redis",
        (
            "from gatewright_sdk import RedisStreamTransport;"
            "from gatewright_sdk.config import RedisStreamSettings;"
            "RedisStreamTransport(RedisStreamSettings())"
        ),
        (
            "from gatewright_sdk import RedisPresence;"
            "from gatewright_sdk.config import RedisPresenceSettings;"
            "RedisPresence(RedisPresenceSettings())"
        ),
    ),
    "aio_pika": (
        "rabbitmq",
        (
            "from gatewright_sdk import RabbitMqTransport;"
            "from gatewright_sdk.config import RabbitMqSettings;"
            "RabbitMqTransport(RabbitMqSettings())"
        ),
    ),
}
CONSUMERS = {
    "redis": ("redis", "RedisStreamConsumer"),
    "aio_pika": ("rabbitmq", "RabbitMqConsumer"),
}
CASES = [(module, extra, code) for module, (extra, *codes) in PARTS.items() for code in codes] + [
    (module, extra, f"from gatewright_sdk import Events, {name}; {name}(Events())")
    for module, (extra, name) in CONSUMERS.items()
]


@pytest.mark.parametrize(("module", "extra", "code"), CASES)
def test_a_part_says_which_extra_it_needs(module, extra, code):
    program = f"import sys; sys.modules[{module!r}] = None\nimport gatewright_sdk.sync\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1].startswith("gatewright_sdk.errors.MissingExtra: ")
    assert done.stderr.endswith(f" needs a library: pip install 'gatewright-sdk[{extra}]'\n")


def test_the_package_itself_imports_no_library():
    program = (
        "import sys; before = set(sys.modules); import gatewright_sdk, gatewright_sdk.sync;"
        "print({name.partition('.')[0] for name in set(sys.modules) - before}"
        " - set(sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "{'gatewright_sdk'}\n"
