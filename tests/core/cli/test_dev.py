import json
import shlex

import pytest

from gatewright.cli.dev import curl, page_url


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1:8180", "http://127.0.0.1:8180"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:8180", "http://[::1]:8180"),
        ("[::1]:8180", "http://[::1]:8180"),
        ("box.lan:8180", "http://box.lan:8180"),
    ],
)
def test_the_page_is_where_a_browser_of_this_machine_finds_it(address, url):
    assert page_url(address) == url


def test_the_curl_can_be_copied_into_a_shell():
    words = shlex.split(curl("http://127.0.0.1:8180", "it's a key").replace("\\\n", ""))

    assert words[:4] == [
        "curl",
        "http://127.0.0.1:8180/internal/publish",
        "-H",
        "X-Api-Key: it's a key",
    ]
    assert json.loads(words[5]) == {"subjects": ["user:42"], "payload": {"hello": "world"}}
