"""What the application passes becomes the name of a subject."""

import pytest

from gatewright_sdk import ConfigurationError, SubjectKeys


class Room:
    def subject_key(self):
        return "room:7"


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("42", "user:42"),
        (42, "user:42"),
        ("user:42", "user:user:42"),
        ("", "user:"),
        (Room(), "room:7"),
    ],
)
def test_a_subject_has_a_key(given, key):
    assert SubjectKeys()(given) == key


def test_the_prefix_may_be_another():
    assert SubjectKeys("person:")(1) == "person:1"


@pytest.mark.parametrize("given", [None, True, 1.5, b"42", ["42"]])
def test_what_has_no_key_is_named_by_its_type(given):
    with pytest.raises(ConfigurationError, match=f"of type {type(given).__name__}: pass a user's"):
        SubjectKeys()(given)
