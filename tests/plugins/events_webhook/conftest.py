"""Fixtures for the webhook sink."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.plugins.events_webhook.receiver import Receiver, receiving
from tests.support.certificates import Certificates


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A backend that answers 200 unless told otherwise."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A private authority, and a certificate of its making for 127.0.0.1."""
    return Certificates.make(tmp_path_factory.mktemp("certificates"))
