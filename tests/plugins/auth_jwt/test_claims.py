import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewright import AuthenticationError, is_subject
from gatewright_auth_jwt.claims import expiry_of, start_of, subjects_of, user_id_of


@pytest.mark.parametrize(
    ("value", "user_id"),
    [
        ("42", "42"),
        (42, "42"),
        (0, "0"),
        (-7, "-7"),
        (10**500, "1" + "0" * 500),
        ("jürgen@büro.example / ünit", "jürgen@büro.example / ünit"),
        (" spaced ", " spaced "),
        ("a%20b", "a%20b"),
        ("💛" * 128, "💛" * 128),
    ],
)
def test_a_user_id_is_a_text_or_an_integer_unchanged(value, user_id):
    assert user_id_of({"user_id": value}, "user_id") == user_id


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        42.0,
        float("nan"),
        "",
        {"id": 42},
        ["42"],
        "x" * 513,
        "ü" * 257,
        10**512,
        "line\nbreak",
        "nul\0",
        "delete\x7f",
        "c1\x85",
        "lone \ud800",
    ],
)
def test_anything_else_is_no_user_id(value):
    with pytest.raises(AuthenticationError, match=r"^user_id$"):
        user_id_of({"user_id": value}, "user_id")


def test_the_user_id_is_in_the_claim_that_is_configured():
    assert user_id_of({"https://a.example/id": "7", "user_id": "8"}, "https://a.example/id") == "7"
    with pytest.raises(AuthenticationError):
        user_id_of({"user_id": "8"}, "sub")


@pytest.mark.parametrize(
    ("value", "subjects"),
    [
        (["room:1", "room:2", "room:1"], ("room:1", "room:2")),
        ("room:1", ("room:1",)),
        (["user:42", "room:1"], ("room:1",)),
        (["user"], ("user",)),
        ([], ()),
        (None, ()),
    ],
)
def test_further_subjects_are_a_list_or_one_text(value, subjects):
    assert subjects_of({"rooms": value}, "rooms", "42") == subjects


def test_without_the_option_no_claim_grants_subjects():
    assert subjects_of({"subjects": ["room:1"]}, None, "42") == ()


@pytest.mark.parametrize(
    "value",
    [
        ["room:1", "user:43"],
        "user:43",
        ["user:"],
        ["user:42 "],
        [""],
        "",
        ["x" * 1025],
        ["line\nbreak"],
        [1],
        [["room:1"]],
        {"room": 1},
        7,
        True,
    ],
)
def test_an_unusable_subject_refuses_the_token(value):
    with pytest.raises(AuthenticationError, match=r"^subjects$"):
        subjects_of({"rooms": value}, "rooms", "42")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
subject_like = st.text() | st.builds("user:{}".format, st.text())


@settings(deadline=None)
@given(claim=json_values | st.lists(subject_like) | subject_like, user=st.text(min_size=1))
def test_no_claim_grants_the_subject_of_another_user(claim, user):
    try:
        granted = subjects_of({"rooms": claim}, "rooms", user)
    except AuthenticationError:
        return
    assert not any(subject.startswith("user:") for subject in granted)
    assert all(map(is_subject, granted))


@pytest.mark.parametrize(
    ("claims", "expiry"),
    [
        ({"exp": 1_700_000_000}, 1_700_000_000.0),
        ({"exp": 1_700_000_000.9}, 1_700_000_000.0),
        ({"exp": "1700000000"}, 1_700_000_000.0),
        ({"exp": 10**400}, 253_402_300_799.0),
        ({"exp": None}, None),
        ({}, None),
    ],
)
def test_the_end_of_a_token_is_a_time_that_a_timer_can_hold(claims, expiry):
    assert expiry_of(claims) == expiry


@pytest.mark.parametrize(
    ("claims", "start"),
    [
        ({}, 0.0),
        ({"nbf": 1_700_000_000}, 1_700_000_000.0),
        ({"nbf": 1_700_000_000, "iat": 1_700_000_005.9}, 1_700_000_005.0),
        ({"nbf": "1700000000", "iat": 1}, 1_700_000_000.0),
        ({"nbf": -(10**400)}, 0.0),
        ({"iat": 10**400}, 253_402_300_799.0),
    ],
)
def test_the_start_of_a_token_is_the_later_of_two_claims(claims, start):
    assert start_of(claims) == start
