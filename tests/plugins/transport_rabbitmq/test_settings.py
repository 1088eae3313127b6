"""The options: defaults, bounds, and errors that give nothing away."""

import pytest
from pydantic import ValidationError

from gatewright import HasDeadLetters, HasHealth, Resends
from gatewright_transport_rabbitmq import (
    RabbitmqSettings,
    RabbitmqTransport,
    gatewright_transport,
)


def test_the_defaults_are_the_contracts():
    settings = RabbitmqSettings()
    assert settings.dsn.get_secret_value() == "amqp://guest:guest@rabbitmq:5672/"
    assert {settings.exchange, settings.queue, settings.routing_key} == {"ws.outbox"}
    assert settings.dead_letter_queue == "ws.dlq"
    assert settings.consume == "exclusive"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dsn": "redis://user:hush@host"}, "AMQP DSN"),
        ({"dsn": "amqp://user:hush@host/#x"}, "%23"),
        ({"queue": ""}, "1 to 255 bytes"),
        ({"queue": "é" * 128}, "1 to 255 bytes"),
        ({"queue": "ws.dlq"}, "must differ"),
        ({"prefetch": 0}, "greater than or equal to 1"),
        ({"consume": "both"}, "exclusive"),
        ({"dns": "x"}, "Extra inputs"),
    ],
)
def test_what_is_wrong_is_said_without_secrets(options, said):
    with pytest.raises(ValidationError) as raised:
        RabbitmqSettings(**options)
    assert said in str(raised.value)
    assert "hush" not in str(raised.value)


def test_the_factory_names_what_it_makes():
    factory = gatewright_transport()
    assert factory.settings is RabbitmqSettings
    assert not factory.needs


def test_one_node_gets_each_message_and_there_are_dead_letters():
    assert RabbitmqTransport.reach == "node"
    for protocol in (HasDeadLetters, HasHealth, Resends):
        assert issubclass(RabbitmqTransport, protocol)
