"""What the tests of deployment share."""

import pytest
from tests.support.proxies import haproxy, nginx


@pytest.fixture(params=[nginx, haproxy], ids=lambda command: command.__name__)
def command(request):
    """Each of the proxies that can be started here."""
    return request.param
