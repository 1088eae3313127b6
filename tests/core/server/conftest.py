"""Both socket drivers."""

from __future__ import annotations

from functools import partial

import pytest
from tests.support.served import serve_recorders


@pytest.fixture(params=["asgi", "direct"])
def served_by(request):
    """Serve recorders through each driver in turn."""
    return partial(serve_recorders, driver=request.param)
