"""Where local state is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewright import state_directory


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({}, "var"),
        ({"STATE_DIRECTORY": ""}, "var"),
        ({"STATE_DIRECTORY": "/var/lib/gw"}, "/var/lib/gw"),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a"),
    ],
)
def test_state_is_where_the_service_manager_says(environ, directory):
    assert state_directory(environ) == Path(directory)
