"""DSNs: every form, and errors that never repeat what was given."""

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from gatewright_redis_kit import BadDsn, Connection, RedisDsn
from gatewright_redis_kit.dsn import parse_dsn


class Holder(BaseModel, hide_input_in_errors=True):
    dsn: RedisDsn


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://redis", "redis:6379/0"),
        ("redis://redis:6380/3", "redis:6380/3"),
        ("redis://redis:6379/", "redis:6379/0"),
        ("redis://:secret@redis?db=2", "redis:6379/2"),
        ("redis://user:secret@[::1]:6379", "[::1]:6379/0"),
        ("rediss://redis?ssl_cert_reqs=none", "redis:6379/0"),
        ("redis://", "localhost:6379/0"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
        ("unix:///run/redis.sock?db=1&password=secret", "/run/redis.sock db 1"),
        ("redis+sentinel://:secret@a,b:1/main", "a:26379,b:1/main/0"),
        ("rediss+sentinel://a/main/4", "a:26379/main/4"),
        ("redis+cluster://user:secret@a,b:7000", "a:6379,b:7000"),
        ("rediss+cluster://a/0", "a:6379"),
    ],
)
def test_every_form_is_taken_and_shown_without_secrets(text, shown):
    assert Connection.parse(Holder(dsn=text).dsn).shown == shown


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "must be a Redis DSN"),
        ("redis", "must be a Redis DSN"),
        ("http://secret@redis", "must be a Redis DSN"),
        ("redis://[secret", "must be a Redis DSN"),
        ("redis://redis:secret", "has a port that is no number"),
        ("redis://redis:0", "has a port that is no number"),
        ("redis://redis:70000", "has a port that is no number"),
        ("redis://redis/secret", "a database that is no number"),
        ("redis://redis?db=secret", "has an unusable value for db"),
        ("redis://redis?db=-1", "a database that is no number"),
        ("redis://redis/0/1", "too many parts"),
        ("redis://secret@redis", "has a user name without a password"),
        ("redis://:sec#ret@redis", "must not hold '#'"),
        ("redis://redis?secret=1", "has an unknown option"),
        ("redis://redis?ssl_cert_reqs=none", "has ssl_cert_reqs, which takes rediss://"),
        ("rediss://redis?ssl_cert_reqs=secret", "has an unusable value for ssl_cert_reqs"),
        ("rediss://redis?ssl_check_hostname=secret", "an unusable value for ssl_check_hostname"),
        ("redis://a,b", "names several hosts"),
        ("unix://", "names no socket"),
        ("redis+sentinel://a,b", "names no service"),
        ("redis+sentinel:///main", "names no host"),
        ("redis+cluster://a/1", "a cluster only has number 0"),
    ],
)
def test_anything_else_is_refused_without_being_repeated(text, what):
    with pytest.raises(ValidationError) as caught:
        Holder(dsn=text)

    (error,) = caught.value.errors(include_input=False, include_url=False)
    assert what in error["msg"]
    assert "secret" not in str(caught.value)
    with pytest.raises(BadDsn):
        Connection.parse(SecretStr(text))


def test_credentials_are_decoded_and_not_shown():
    dsn = parse_dsn("redis+sentinel://us%40er:p%2Fw@a/main?sentinel_password=q%20r&client_name=gw")

    assert dsn.options == {"username": "us@er", "password": "p/w", "client_name": "gw"}
    assert dsn.sentinel_options == {"password": "q r"}
    assert "p/w" not in repr(Connection(dsn))


def test_tls_options_are_as_the_client_takes_them():
    dsn = parse_dsn("rediss://r?ssl_ca_certs=ca.pem&ssl_check_hostname=False&ssl_cert_reqs=none")

    assert dsn.options == {
        "ssl": True,
        "ssl_ca_certs": "ca.pem",
        "ssl_check_hostname": False,
        "ssl_cert_reqs": "none",
    }
