"""What is made of an entry's fields."""

import json

import pytest

from gatewright_transport_redis.entries import data_of, fields_as_json


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        ([b"data", b"x"], b"x"),
        ([b"traceparent", b"t", b"data", b"x"], b"x"),
        ([b"data", b"", b"a", b"b"], b""),
        ([b"payload", b"x"], None),
        ([b"x", b"data"], None),
    ],
)
def test_data_is_found_wherever_it_stands(fields, data):
    assert data_of(fields) == data


def test_fields_become_json_whatever_bytes_they_hold():
    fields = [b"a", "grüß".encode(), b"\xff", b'"\x00\xfe']

    assert json.loads(fields_as_json(fields)) == {"a": "grüß", "\\xff": '"\x00\\xfe'}
