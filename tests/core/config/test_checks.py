from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.config.checks import check_bind, check_network, check_origin


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0:8180",
        "127.0.0.1:0",
        "localhost:65535",
        "gw-1.internal:80",
        "[::]:8180",
        "[::1]:0",
        "[::ffff:10.0.0.1]:80",
        "unix:/run/gatewright.sock",
        "unix:relative.sock",
    ],
)
def test_addresses_to_serve_on(text: str) -> None:
    assert check_bind(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ":8180",
        "8180",
        "localhost",
        "localhost:",
        "localhost:http",
        "localhost:65536",
        "localhost:-1",
        "localhost:8 0",
        "localhost:٨٠",
        "::1:8180",
        "[::1]",
        "[::1:8180",
        "[host]:80",
        "[127.0.0.1]:80",
        "1.2.3:80",
        "1.2.3.256:80",
        "http://localhost:80",
        "a b:80",
        "-a:80",
        "unix:",
        f"unix:/{'x' * 107}",
        f"{'x' * 254}:80",
        f"host:{'9' * 5000}",
    ],
)
def test_what_is_no_address_to_serve_on(text: str) -> None:
    with pytest.raises(ValueError, match="must "):
        check_bind(text)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.1.2.3", "fd00::/8", "::1", "0.0.0.0/0"])
def test_networks(text: str) -> None:
    assert check_network(text) == text


@pytest.mark.parametrize(
    "text", ["", "10.0.0.1/8", "10.0.0.0/33", "host", "10.0.0", "*", "fd00::1/8"]
)
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError, match="must be "):
        check_network(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://app.example.com",
        "http://localhost:3000",
        "https://[::1]:8443",
        "http://example.com:443",
        "capacitor://localhost",
        "chrome-extension://abcdef",
    ],
)
def test_origins(text: str) -> None:
    assert check_origin(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "app.example.com",
        "https://",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://App.example.com",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "https://*.example.com",
        "https://user@example.com",
        "https://example.com?x",
        "https://example.com\n",
    ],
)
def test_what_no_browser_sends_as_origin(text: str) -> None:
    with pytest.raises(ValueError, match="must "):
        check_origin(text)


def _checked(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except ValueError as error:
        return str(error)


@given(st.text())
def test_any_text_is_either_taken_whole_or_refused(text: str) -> None:
    for check in (check_bind, check_network, check_origin):
        for candidate in (text, f"{text}:80", f"https://{text}", f"unix:{text}", f"[{text}]:1"):
            result = _checked(check, candidate)
            assert result == candidate or result.startswith("must ")
