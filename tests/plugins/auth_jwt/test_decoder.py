"""The quick way of decoding says what PyJWT's own says, of every text, and is the one in use."""

import base64

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plugins.auth_jwt.support import SECRET, good_claims

from gatewright_auth_jwt.decoder import ClaimsDecoder, SegmentDecoder

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
GOOD = jwt.encode(good_claims(name="jürgen", more=["a", "b"]), SECRET, "HS256")


def verdict(decode, *arguments, **options):
    """Return what it returns, or how it refuses."""
    try:
        return decode(*arguments, **options)
    except jwt.PyJWTError as error:
        return type(error), str(error)


segments = (
    st.binary(max_size=40)
    | st.text(ALPHABET + "=+/ \n!é", max_size=24).map(str.encode)
    | st.tuples(st.text(ALPHABET, max_size=24), st.integers(0, 4)).map(
        lambda part: part[0].encode() + b"=" * part[1]
    )
    | st.binary(max_size=40).map(base64.urlsafe_b64encode)
    | st.binary(max_size=40).map(lambda data: base64.urlsafe_b64encode(data).rstrip(b"="))
)


@given(segment=segments)
def test_a_segment_means_what_it_means_to_pyjwt(segment):
    ours = verdict(SegmentDecoder._decode_base64url_segment, segment, "payload")

    assert ours == verdict(jwt.PyJWS._decode_base64url_segment, segment, "payload")


@pytest.mark.parametrize(
    "segment",
    [
        b"",
        b"QQ",
        b"QQ==",  # whole padding, as some issuers write it
        b"QQ=",
        b"QQ===",
        b"QR",  # bits beyond the last byte
        b"QUI+",
        b"-_-_",
        b"+/+/",
        b"Q\nQ",
        b"Q",
        b"=",
        b"QQ==QQ",
    ],
)
def test_the_edges_of_the_encoding_are_pyjwts(segment):
    ours = verdict(SegmentDecoder._decode_base64url_segment, segment, "header")

    assert ours == verdict(jwt.PyJWS._decode_base64url_segment, segment, "header")


@given(
    position=st.integers(0, len(GOOD) - 1),
    put=st.text(ALPHABET + ".= \n", max_size=3),
    length=st.integers(0, 3),
)
def test_a_spoiled_token_is_refused_as_pyjwt_refuses_it(position, put, length):
    offered = GOOD[:position] + put + GOOD[position + length :]
    asked = {"key": SECRET, "algorithms": ["HS256"]}

    ours = verdict(ClaimsDecoder({}).decode, offered, **asked)

    assert ours == verdict(jwt.PyJWT({}).decode, offered, **asked)


def test_the_quick_way_is_the_one_that_pyjwt_takes(monkeypatch):
    def loop(segment, name):
        raise AssertionError(segment)

    monkeypatch.setattr(jwt.PyJWS, "_decode_base64url_segment", staticmethod(loop))

    assert ClaimsDecoder({}).decode(GOOD, SECRET, ["HS256"])["name"] == "jürgen"
    with pytest.raises(AssertionError):
        jwt.PyJWT({}).decode(GOOD, SECRET, ["HS256"])
