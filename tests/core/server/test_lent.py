"""What plugins are lent before the gateway is there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gatewright import Command, Publication, Receipt
from gatewright.server.lent import Lent, NotThereYet

pytestmark = pytest.mark.anyio


async def test_using_it_before_the_gateway_is_there_is_an_error_that_says_so():
    with pytest.raises(NotThereYet, match="use it from run on"):
        await Lent().publish(Publication((), b"1"))


async def test_everything_is_handed_on():
    asked = []

    async def note(*given, **options):
        asked.append((given, options))
        return Receipt(1)

    lent = Lent()
    lent.fill(
        SimpleNamespace(
            publish=note,
            command=note,
            membership=SimpleNamespace(lost=note, evict=lambda _why: 7),
        )
    )
    publication, command = Publication((), b"1"), Command("disconnect", user_id="1")
    assert await lent.publish(publication, count=False) == Receipt(1)
    await lent.command(command)
    await lent.lost([])
    assert lent.evict("why") == 7
    assert asked == [((publication,), {"count": False}), ((command,), {}), (([],), {})]
