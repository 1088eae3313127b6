import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.wire.names import is_subject, is_user_id, user_subject


@pytest.mark.parametrize(
    "name", ["42", "a@b.c", "Jürgen Groß", "a/b", "😀", " ", "*", "user:1", "\u202e", "x" * 512]
)
def test_user_ids_are_nearly_any_text(name: str) -> None:
    assert is_user_id(name)


@pytest.mark.parametrize(
    "name",
    ["", "a\nb", "\r", "\0", "\x1b[31m", "\x7f", "\x85", "\x9f", "x" * 513, "é" * 257, "\ud800"],
)
def test_what_no_user_id_is(name: str) -> None:
    assert not is_user_id(name)


def test_subjects_may_be_longer() -> None:
    assert is_subject("x" * 1024)
    assert is_subject("é" * 512)
    assert not is_subject("x" * 1025)
    assert not is_subject("é" * 513)


def test_a_users_subject_is_the_id_behind_a_prefix() -> None:
    assert user_subject("a@b c/ü") == "user:a@b c/ü"


@given(st.text(st.characters()))
def test_any_text_is_judged(name: str) -> None:
    if is_user_id(name):
        assert 1 <= len(name.encode()) <= 512
        assert is_subject(user_subject(name))
