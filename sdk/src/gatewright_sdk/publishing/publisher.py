"""What an application publishes with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from gatewright_sdk.closing import AsyncClosing
from gatewright_sdk.config import HttpSettings, RedisStreamSettings, Settings, TransportSettings
from gatewright_sdk.publishing.choosing import ChoosingTransport, Rule
from gatewright_sdk.publishing.http import HttpTransport
from gatewright_sdk.publishing.publication import Publication, Published
from gatewright_sdk.publishing.rabbitmq import RabbitMqTransport
from gatewright_sdk.publishing.redis_stream import RedisStreamTransport
from gatewright_sdk.publishing.transport import Transport
from gatewright_sdk.subjects import HasSubjectKey, SubjectKeyResolver, SubjectKeys

__all__ = ["Publisher", "transport_of"]


class Publisher(AsyncClosing):
    """Publishes to the clients of a gateway.

    ::

        async with Publisher.from_settings(Settings.from_env()) as publisher:
            await publisher.publish("room:7", {"hello": "world"})
            await publisher.send(user.id, {"hello": "you"})

    Safe from many tasks of one event loop. Publications of one task, each awaited, keep their
    order. Being cancelled leaves it usable, and open whether the publication was accepted.

    Args:
        transport: The way to the gateway.
        subject_keys: Names the subject of whatever `send` is given.
    """

    def __init__(
        self, transport: Transport, *, subject_keys: SubjectKeyResolver | None = None
    ) -> None:
        self.transport = transport
        self._subject_keys = subject_keys or SubjectKeys()

    @classmethod
    def from_settings(
        cls, settings: Settings, *, subject_keys: SubjectKeyResolver | None = None
    ) -> Self:
        """Make the one that the settings ask for.

        Raises:
            MissingExtra: Its library is not installed.
        """
        keys = subject_keys or SubjectKeys(settings.user_prefix)
        return cls(transport_of(settings.transport), subject_keys=keys)

    @classmethod
    def choosing(
        cls,
        transports: Mapping[str, Transport],
        rule: Rule,
        *,
        subject_keys: SubjectKeyResolver | None = None,
    ) -> Self:
        """Make one with several ways, among which a rule picks for each publication.

        Raises:
            ConfigurationError: There is no transport.
        """
        return cls(ChoosingTransport(transports, rule), subject_keys=subject_keys)

    async def publish(
        self,
        subjects: str | Iterable[str],
        payload: Any,  # noqa: ANN401 - any JSON
        *,
        id: str | None = None,  # noqa: A002 - the field's name
    ) -> Published:
        """Publish to subjects, by their names.

        Args:
            subjects: One or several, such as ``user:42`` or ``room:7``.
            payload: Anything that JSON can say.
            id: The same for each attempt of the same message: gateways deliver it once.

        Raises:
            InvalidPublication: JSON cannot say it.
            Refused: It will not be taken, however often it is sent.
            Unavailable: It was not taken, or nobody knows: try again, with the same ``id``.
        """
        return await self.transport.send(Publication.to(subjects, payload, id))

    async def send(
        self,
        to: object,
        payload: Any,  # noqa: ANN401 - any JSON
        *,
        id: str | None = None,  # noqa: A002 - the field's name
    ) -> Published:
        """Publish to the application's own objects: users by their ids, or what names its subject.

        Args:
            to: One, or a list, tuple, set or other iterable of them, as the resolver takes them.
            payload: Anything that JSON can say.
            id: As for `publish`.

        Raises:
            ConfigurationError: The resolver knows no subject for one of them.
            GatewrightError: As for `publish`.
        """
        subjects = tuple(self._subject_keys(each) for each in _several(to))
        return await self.transport.send(Publication(subjects, payload, id))

    async def publish_many(self, publications: Iterable[Publication]) -> Sequence[Published]:
        """Publish several in their order, in as few requests as the way to the gateway allows.

        Raises:
            InvalidPublication: JSON cannot say one of them; nothing was published.
            Refused: One will not be taken.
            Unavailable: ``published`` tells how many were taken for sure, from the first.
        """
        several = list(publications)
        return await self.transport.send_many(several) if several else []

    async def close(self) -> None:
        """Close the connections; a second time, nothing. It is not to be used afterwards."""
        await self.transport.close()


def transport_of(settings: TransportSettings) -> Transport:
    """Make the transport that settings describe.

    Raises:
        MissingExtra: Its library is not installed.
    """
    if isinstance(settings, HttpSettings):
        return HttpTransport(settings)
    if isinstance(settings, RedisStreamSettings):
        return RedisStreamTransport(settings)
    return RabbitMqTransport(settings)


def _several(to: object) -> Iterable[object]:
    one = (str, bytes, bytearray, memoryview, Mapping, HasSubjectKey)  # iterable, and yet not many
    if isinstance(to, Iterable) and not isinstance(to, one):
        return to
    return (to,)
