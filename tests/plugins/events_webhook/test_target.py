"""Taking the URL apart."""

from __future__ import annotations

import pytest

from gatewright_events_webhook.target import BadTarget, Target


def test_only_scheme_host_and_port_are_shown() -> None:
    target = Target.parse("https://ann:pw@app.example.com:8443/hook?token=t#frag")

    assert target.shown == "https://app.example.com:8443"
    assert repr(target) == "Target(shown='https://app.example.com:8443')"


def test_the_password_leaves_the_url_for_a_header() -> None:
    target = Target.parse("http://ann:p%40ss@app.example.com/hook?x=%2F#frag")

    assert str(target.url) == "http://app.example.com/hook?x=%2F"
    assert target.authorization == "Basic YW5uOnBAc3M="


def test_a_url_without_password_needs_no_header() -> None:
    assert Target.parse("http://app.example.com/").authorization is None


def test_surrounding_white_space_is_no_part_of_it() -> None:
    assert str(Target.parse(" http://app.example.com/hook\n").url) == "http://app.example.com/hook"


def test_a_host_may_have_any_letters() -> None:
    assert Target.parse("https://münchen.example/").shown == "https://xn--mnchen-3ya.example"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/hook",
        "file:///etc/passwd",
        "http://",
        "http://a b/",
        "http://h:70000/",
        "http://2130706433/",
    ],
)
def test_what_cannot_be_posted_to_is_refused(text: str) -> None:
    with pytest.raises(BadTarget, match="must be an http or https URL"):
        Target.parse(text)
