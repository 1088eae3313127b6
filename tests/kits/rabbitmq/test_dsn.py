"""DSNs: what they mean, and that nothing of them is repeated."""

import pytest
from aiormq.connection import Connection
from pydantic import BaseModel, SecretStr, ValidationError

from gatewright_rabbitmq_kit import AmqpDsn, BadDsn, Broker, UnusableCertificates
from gatewright_rabbitmq_kit.dsn import parse_dsn

pytestmark = pytest.mark.anyio


class Model(BaseModel):
    dsn: AmqpDsn


@pytest.mark.parametrize(
    ("text", "vhost", "shown"),
    [
        ("amqp://guest:guest@rabbitmq:5672/", "/", "rabbitmq:5672/"),
        ("amqp://guest:guest@rabbitmq:5672", "/", "rabbitmq:5672/"),
        ("amqp://rabbitmq", "/", "rabbitmq:5672/"),
        ("amqp://rabbitmq/%2F", "/", "rabbitmq:5672/"),
        ("amqps://u:p%40@rabbitmq/shop", "shop", "rabbitmq:5671/shop"),
        ("amqp://u:p@[::1]:5673/shop", "shop", "[::1]:5673/shop"),
    ],
)
async def test_the_virtual_host_and_what_is_shown(text, vhost, shown):
    dsn = parse_dsn(text)
    assert dsn.shown == shown
    assert Connection(dsn.url).vhost == vhost  # as the client understands it


def test_the_heartbeat_is_short_unless_given():
    assert parse_dsn("amqp://rabbitmq").url.query["heartbeat"] == "10"
    assert parse_dsn("amqp://rabbitmq/?heartbeat=30").url.query["heartbeat"] == "30"


def test_without_a_user_it_is_guest():
    url = parse_dsn("amqp://rabbitmq").url
    assert (url.user, url.password) == ("guest", "guest")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hush",
        "redis://u:hush@rabbitmq",
        "amqp://",
        "amqp://u:hush@rabbitmq:0/",
        "amqp://u:hush@rabbitmq:99999/",
        "amqp://u:hush@rabbitmq:x/",
        "amqp://u:hush@rabbitmq/#x",
        "amqp://u:hush@[::1/",
        "amqp://u:hush@rabbitmq/?heartbeat=soon",
    ],
)
def test_anything_else_is_refused_without_repeating_it(text):
    with pytest.raises(ValidationError) as raised:
        Model(dsn=SecretStr(text))
    assert "hush" not in str(raised.value)
    with pytest.raises(BadDsn):
        parse_dsn(text)


def test_certificates_are_read_at_once(tmp_path):
    missing = tmp_path / "ca.pem"
    with pytest.raises(UnusableCertificates, match=r"ca\.pem cannot be used: no such file"):
        Broker(SecretStr(f"amqps://rabbitmq/?cafile={missing}"), name="t")
    missing.write_text("nothing")
    with pytest.raises(UnusableCertificates, match="no usable PEM"):
        Broker(SecretStr(f"amqps://rabbitmq/?cafile={missing}"), name="t")
    with pytest.raises(UnusableCertificates, match="no usable PEM"):
        Broker(SecretStr(f"amqps://rabbitmq/?certfile={missing}"), name="t")
